import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from specdet.runner import watch as module
from specdet.runner.asks import Asks
from specdet.runner.signals import StopSignals
from specdet.runner.watch import Watch
from specdet.runs.control import ask, finish
from specdet.runs.lock import RunLock

HOLDER = "import sys; from pathlib import Path; from specdet.runs.lock import RunLock; " \
    "lock = RunLock(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"  # fmt: skip


@pytest.fixture(autouse=True)
def often(monkeypatch):
    monkeypatch.setattr(module, "PERIOD", 0.05)


@pytest.fixture
def watched():
    """What is asked for, as the thread tells it, and the watch."""
    told, asks = [], Asks()
    watch = Watch(asks, heed=lambda names: told.append((set(names), threading.current_thread().name)))
    yield asks, watch, told
    watch.close()


def until(condition, *, within=5.0):
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_each_command_is_handed_on_once(watched, tmp_path):
    asks, watch, told = watched
    watch.follow_commands(tmp_path)
    first, second = ask(tmp_path, "evaluate"), ask(tmp_path, "checkpoint")
    until(lambda: asks.names == {"evaluate", "checkpoint"})
    assert asks.take(("checkpoint",)) == [second] and asks.names == {"evaluate"}
    time.sleep(0.2)  # still in the folder, since nobody has said what came of it
    assert asks.take() == [first] and not asks.names
    finish(tmp_path, first, outcome="done")
    third = ask(tmp_path, "evaluate")
    until(lambda: asks.names)
    assert asks.take() == [third]
    assert told[0] == ({"evaluate", "checkpoint"}, "specdet-watch")


def test_the_owner_is_missed_only_once_it_is_gone(watched, tmp_path):
    asks, watch, _ = watched
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
    watch.follow_owner(tmp_path)
    time.sleep(0.3)
    assert not asks.names
    holder.kill()
    holder.communicate()
    until(lambda: asks.names == {"orphaned"})
    with_lock = RunLock(tmp_path)  # the watch asks no more: that would take the lock from us
    time.sleep(0.2)
    taken = subprocess.run(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.DEVNULL, capture_output=True, check=False,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert b"is being trained by another process" in taken.stderr
    with_lock.release()


def test_a_signal_is_heard_while_the_main_thread_is_in_a_library():
    asks, away, heard_away = Asks(), threading.Event(), []
    watch = Watch(asks, heed=lambda names: heard_away.append(away.is_set()), hears_signals=True)
    with StopSignals(asks):
        threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGTERM)).start()
        away.set()
        hashlib.pbkdf2_hmac("sha256", b"", b"", 3_000_000)  # a second or so in which Python runs no handler
        away.clear()
    watch.close()
    assert asks.names == {"SIGTERM"} and heard_away == [True]


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_a_signal_to_a_forked_process_is_not_ours():
    asks = Asks()
    watch = Watch(asks, heed=lambda names: None, hears_signals=True)
    with StopSignals(asks):
        child = os.fork()
        if child == 0:
            time.sleep(10)
            os._exit(1)
        time.sleep(0.1)
        os.kill(child, signal.SIGTERM)
        _, status = os.waitpid(child, 0)
        time.sleep(0.2)
        assert os.WEXITSTATUS(status) == 128 + signal.SIGTERM
        assert not asks.names
    watch.close()


def test_closing_leaves_no_thread(watched):
    _, watch, _ = watched
    watch.close()
    assert "specdet-watch" not in [thread.name for thread in threading.enumerate()]
