"""A rank without torch. $FAKE says in words what it does; without any it trains until it is asked to stop."""

import os
import signal
import sys
import time
from pathlib import Path

from specdet.runs import control
from specdet.runs.devices import HELD, use
from specdet.runs.end import End, read_end, write_end
from specdet.runs.files import write_json
from specdet.runs.identity import ATTEMPT, RUN_DIRECTORY
from specdet.runs.lock import RunLock, is_owned
from specdet.runs.state import RunState, write_state

WORDS = os.environ.get("FAKE", "").split()
DIRECTORY = Path(os.environ[RUN_DIRECTORY])
NUMBER, IS_MAIN = int(os.environ[ATTEMPT]), os.environ["RANK"] == "0"


def say(phase: str) -> None:
    if IS_MAIN:
        table = {"v": 1, "t": time.time(), "attempt": NUMBER, "phase": phase, "iter": 3, "max_iters": 9}
        write_json(DIRECTORY / "progress.json", table, durable=False)


def end(outcome: str, code: int, **fields: str) -> None:
    if IS_MAIN:
        write_end(DIRECTORY, End(attempt=NUMBER, outcome=outcome, **fields))
        say("finished")
    sys.exit(code)


def on_sigterm(number: int, frame: object) -> None:
    print("SIGTERM", flush=True)
    if "deaf" not in WORDS:
        end("stopped", 75, reason="signal")


def main() -> None:
    held = use(os.environ[HELD].split(","))
    signal.signal(signal.SIGTERM, on_sigterm)
    sys.stdout.write(f"rank {os.environ['RANK']}\n")  # in one write, as two ranks share a log
    (DIRECTORY / f"rank{os.environ['RANK']}").write_text(str(os.getpid()))
    if "fail" in WORDS:
        print("ValueError: it is broken", flush=True)
        sys.exit(1)
    if "fill" in WORDS:
        fill()
    say("prepare" if "prepare" in WORDS else "train")
    if "between" in WORDS:
        time.sleep(0.5)
        say("prepare")
    started = time.monotonic()
    while True:
        time.sleep(0.02)
        if "finish" in WORDS and time.monotonic() - started > 0.1:
            end("finished", 0)
        if not is_owned(DIRECTORY) and "deaf" not in WORDS:
            orphaned()
        asked = {command.kind: command for command in control.pending(DIRECTORY)} if "deaf" not in WORDS else {}
        if "prepare" not in WORDS and "stop" in asked and IS_MAIN:
            control.finish(DIRECTORY, asked["stop"], outcome="done")
            end("stopped", 76, reason="user", message="stopped at iter 3")
        said = None if IS_MAIN else read_end(DIRECTORY, attempt=NUMBER)
        if said is not None:
            sys.exit(0 if said.outcome == "finished" else 76)
    del held


def orphaned() -> None:
    """The supervisor is gone: save, which takes a while, then end; the main rank owns the run meanwhile."""
    if not IS_MAIN:
        while read_end(DIRECTORY, attempt=NUMBER) is None:
            time.sleep(0.02)
        sys.exit(77)
    lock = RunLock(DIRECTORY)
    time.sleep(0.5)
    write_state(DIRECTORY, RunState(state="stopped", attempt=NUMBER, reason="orphaned"))
    lock.release()
    end("stopped", 77, reason="orphaned")


def fill() -> None:
    """Write until the disk is full, as checkpoints do."""
    with (DIRECTORY / "checkpoint").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError as error:
            raise SystemExit(f"OSError: {error.strerror}") from error


if __name__ == "__main__":
    main()
