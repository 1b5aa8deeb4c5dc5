import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from specdet.runs.lock import RunLock

HOLDER = "import sys; from pathlib import Path; from specdet.runs.lock import RunLock; " \
    "lock = RunLock(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"  # fmt: skip


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock of tmp_path."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_training_in_a_run_is_refused(holder, tmp_path):
    with pytest.raises(ValueError, match=f"{tmp_path} is being trained by another process"):
        RunLock(tmp_path)


def test_a_killed_process_holds_nothing(holder, tmp_path):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    lock = RunLock(tmp_path)
    assert (tmp_path / "run.lock").exists()
    lock.release()
