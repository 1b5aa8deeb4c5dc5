"""Starts ranks as torch's launcher does: each in its own session; when one fails the others get SIGTERM and 30 s."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

RANK = str(Path(__file__).with_name("fake_rank.py"))


def main(count: int) -> int:
    ranks = [
        subprocess.Popen([sys.executable, RANK], env={**os.environ, "RANK": str(rank)}, start_new_session=True)
        for rank in range(count)
    ]
    while not any(rank.poll() for rank in ranks):
        if all(rank.poll() == 0 for rank in ranks):
            return 0
        time.sleep(0.02)
    number, first = next((number, rank) for number, rank in enumerate(ranks) if rank.poll())
    for rank in ranks:
        if rank.poll() is None:
            print(f"W1124 13:00:00.000 {os.getpid()} api.py:1029] Sending process {rank.pid} closing signal SIGTERM",
                  flush=True)  # fmt: skip
            rank.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + 30
    while any(rank.poll() is None for rank in ranks) and time.monotonic() < deadline:
        time.sleep(0.02)
    print(f"E1124 13:00:00.000 {os.getpid()} api.py:1003] failed (exitcode: {first.returncode}) local_rank: {number} "
          f"(pid: {first.pid}) of binary: python", flush=True)  # fmt: skip
    return 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
