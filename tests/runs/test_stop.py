import signal
import subprocess
import sys

from specdet.runs.control import pending
from specdet.runs.identity import Identity
from specdet.runs.state import RunProcess, write_process
from specdet.runs.stop import ask_to_stop
from tests.runs.made import made


def sleeper() -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])


def test_what_is_asked_stands_in_the_directory_with_who_asked(tmp_path):
    run = made(tmp_path)
    asked = [ask_to_stop(run, by="app"), ask_to_stop(run, now=True)]
    assert pending(run) == asked
    assert [(command.kind, command.by) for command in asked] == [("stop", "app"), ("stop_now", "cli")]


def test_only_a_training_that_prepares_without_a_supervisor_gets_a_signal(tmp_path):
    for by, phase, ends in (("training", "prepare", True), ("training", "train", False), ("supervisor", "", False)):
        with sleeper() as process:
            run = made(tmp_path, f"{by}-{phase}", state={"state": "running", "attempt": 1, "t": 1.0},
                       progress={"phase": phase, "iter": 1})  # fmt: skip
            owner = Identity.of(process.pid)
            assert owner is not None
            write_process(run, RunProcess(owner=owner, by=by))
            ask_to_stop(run)
            try:
                code = process.wait(5.0 if ends else 0.3)
            except subprocess.TimeoutExpired:
                code = None
                process.kill()
        assert code == (-signal.SIGTERM if ends else None)
