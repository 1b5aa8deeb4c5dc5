"""Faults, with ranks in sessions of their own: whoever is killed, what is said is right and nothing is left."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from specdet.runs.control import ask, outcome_of
from specdet.runs.devices import Wish, is_free, run_on
from specdet.runs.files import read_json
from specdet.runs.identity import Identity, processes_of
from specdet.runs.launch_command import LaunchOptions
from specdet.runs.lock import is_owned
from specdet.runs.submit import LOG, resubmit
from specdet.spec import SpecError
from tests.runs.launching import OPTIONS, SOON, ended, launcher_of, owner_of, pid_of, state_of, until

ROOT = Path(__file__).parents[2]


def test_a_run_is_seen_through(launching):
    run = launching("finish", ready=False)
    assert ended(run).state == "finished"
    assert (run / "out.log").read_text().splitlines()[0].startswith("rank ")
    assert ((run / "spec.toml").read_text(), (run / "spec.source.toml").read_text()) == ("resolved", "written")
    assert read_json(run / "meta.json")["launch"]["processes"] == 2


def test_while_it_runs_it_says_who_has_what(launching):
    run = launching()
    assert is_owned(run)
    assert run_on("cpu") == run
    assert os.getsid(pid_of(run, 0)) != os.getsid(pid_of(run, 1)) != os.getsid(launcher_of(run).pid)
    assert Identity.of(os.getpid()) not in processes_of(run.name)
    assert {process.pid for process in processes_of(run.name)} == {
        owner_of(run).pid, launcher_of(run).pid, pid_of(run, 0), pid_of(run, 1)
    }  # fmt: skip


def test_a_training_that_gives_up_is_quoted(launching):
    state = ended(launching("fail", processes=1, ready=False))
    assert (state.state, state.reason, state.exit_code) == ("failed", "exit", 1)
    assert state.message == "ValueError: it is broken"
    assert state.last_lines[-1] == "ValueError: it is broken"


@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_rank_ends_the_run(launching, rank):
    run = launching("deaf")  # as a rank is that waits for another one in a collective
    os.kill(pid_of(run, rank), signal.SIGKILL)
    state = ended(run)
    assert (state.state, state.reason, state.signal) == ("failed", "signal", "SIGKILL")


def test_a_killed_launcher_ends_the_run(launching):
    run = launching("deaf")
    launcher_of(run).signal(signal.SIGKILL)
    state = ended(run)
    assert (state.state, state.reason, state.signal) == ("failed", "signal", "SIGKILL")


def test_a_killed_supervisor_leaves_the_device_to_the_ranks_until_they_have_saved(launching):
    run = launching()
    owner_of(run).signal(signal.SIGKILL)
    until(lambda: not owner_of(run).is_alive)
    while state_of(run).state == "running":  # the ranks notice, and save
        assert not is_free("cpu")
        time.sleep(0.02)
    state = ended(run)
    assert (state.state, state.reason) == ("stopped", "orphaned")


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGKILL])
def test_a_run_does_not_notice_that_its_shell_is_killed(launching, number):
    (run,) = launching.from_a_shell("", number=number)
    launching.until_ready(run)
    assert owner_of(run).is_alive
    assert state_of(run).state == "running"
    ask(run, "stop")
    assert ended(run).state == "stopped"


def test_stop_saves_and_is_acknowledged(launching):
    run = launching()
    command = ask(run, "stop")
    state = ended(run)
    assert (state.state, state.reason, state.message) == ("stopped", "user", "stopped at iter 3")
    assert outcome_of(run, command) == "done"


def test_a_run_that_does_not_stop_is_told_and_then_killed(launching):
    run = launching("deaf")
    command = ask(run, "stop")
    until(lambda: state_of(run).state == "stopping")
    state = ended(run)
    assert (state.state, state.reason, state.signal) == ("stopped", "user", "SIGKILL")
    assert "was killed" in state.message
    assert (run / "out.log").read_text().count("SIGTERM\n") == 2
    assert outcome_of(run, command) == "done"


def test_stop_now_does_not_wait_for_a_checkpoint(launching):
    run = launching("deaf")
    ask(run, "stop_now")
    state = ended(run)
    assert (state.state, state.reason) == ("stopped", "user")
    assert "SIGTERM" not in (run / "out.log").read_text()


def test_a_run_in_preparation_has_nothing_to_save(launching):
    run = launching("prepare")
    ask(run, "stop")
    assert ended(run).state == "stopped"
    assert state_of(run).reason == "user"


def test_between_two_phases_there_is_something_to_save(launching, monkeypatch):
    monkeypatch.setenv("SPECDET_STOP_GRACE", "2")
    run = launching("between deaf")
    until(lambda: read_json(run / "progress.json")["phase"] == "prepare")
    ask(run, "stop")
    until(lambda: state_of(run).state == "stopping")
    time.sleep(0.5)  # a few looks of the supervisor
    assert "SIGTERM" not in (run / "out.log").read_text()
    ask(run, "stop_now")
    ended(run, seconds=10)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_supervisor_asks_the_run_to_save_and_stop(launching, number):
    run = launching()
    owner_of(run).signal(number)
    state = ended(run)
    assert (state.state, state.message) == ("stopped", "stopped at iter 3")


def test_the_next_attempt_forgets_what_was_asked_of_the_last(launching, monkeypatch):
    run = launching()
    ask(run, "stop")
    ended(run)
    late = ask(run, "stop")
    (run / "checkpoints/iter_00000003").mkdir(parents=True)
    monkeypatch.setenv("FAKE", "finish")
    resubmit(run, OPTIONS)
    until(lambda: state_of(run).state == "finished")
    assert ended(run).attempt == 2
    assert outcome_of(run, late) == "it was asked of an attempt that had ended"


def test_a_run_has_one_supervisor(launching):
    run = launching()
    with pytest.raises(SpecError, match=f"{run.name} is being trained"):
        resubmit(run, OPTIONS)
    second = subprocess.run([sys.executable, "-m", "specdet.runs.supervisor", str(run)], capture_output=True, text=True)
    assert "is being trained by another process" in second.stderr
    assert state_of(run).state == "running"


def test_busy_devices_fail_a_run_that_does_not_wait(launching):
    first = launching()
    state = state_of(second := launching(ready=False))
    until(lambda: state_of(second).has_ended)
    state = state_of(second)
    assert state.state == "failed"
    assert f"busy with {first.name}" in state.message


def test_devices_that_are_not_there_are_told(launching, monkeypatch):
    run = launching("finish", ready=False)
    ended(run)
    resubmit(run, LaunchOptions(wanted=Wish(names=("GPU-1",)), waits=True))
    state = ended(run)
    assert (state.state, state.message) == ("failed", "this machine does not have GPU-1; it has cpu")


def test_a_run_directory_that_is_moved_away_says_so_where_it_is(launching):
    run = launching("deaf")
    moved = run.rename(launching.folder / "elsewhere")
    state = until(lambda: state_of(moved).has_ended and state_of(moved), seconds=SOON + 5)
    assert state.state == "failed"
    assert "moved away" in state.message
    until(lambda: not list(processes_of(run.name)) and is_free("cpu"))
    assert not run.exists()


def test_a_run_directory_that_is_deleted_ends_the_run(launching):
    run = launching("deaf")
    assert list(processes_of(run.name))
    shutil.rmtree(run, ignore_errors=True)
    until(lambda: not list(processes_of(run.name)) and is_free("cpu"), seconds=SOON + 5)
    assert not list(processes_of(run.name)) and not (run / "state.json").exists()


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 512 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "none", str(folder)], capture_output=True)
    if made.returncode:
        pytest.skip("file systems can be mounted by root only")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_does_not_silence_the_last_word(launching, small_disk, monkeypatch):
    monkeypatch.setenv("SPECDET_RUNS", str(small_disk))
    monkeypatch.chdir(launching.folder)  # outside of a repository, whose patch would fill the disk first
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    run = launching("fill", ready=False)
    state = ended(run)
    assert state.state == "failed"
    assert "No space left" in state.message or "disk" in state.message


def test_a_read_only_disk_is_one_sentence(launching, small_disk, monkeypatch):
    monkeypatch.setenv("SPECDET_RUNS", str(small_disk))
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(OSError, match="Read-only file system"):
        launching("finish", ready=False)


FAILING = """
import errno, itertools, sys
from pathlib import Path
sys.path.insert(0, {folder!r})
from fake_supervisor import command
from specdet.runs import files
from specdet.runs.supervisor import main
replace, count = files.os.replace, itertools.count()
def full(source, target):
    if Path(target).parent == Path(sys.argv[1]) and Path(target).name != ".reserve" and next(count) in {writes}:
        raise OSError(errno.ENOSPC, "No space left on device", str(target))
    replace(source, target)
files.os.replace = full
sys.exit(main(command=command))
"""


@pytest.mark.parametrize("writes", [range(1), range(1, 2), range(2, 3), range(3, 4), range(2, 9)])
def test_a_write_that_fails_is_tried_again(launching, monkeypatch, writes):
    from specdet.runs import submit as submitting

    script = launching.folder / "failing.py"
    script.write_text(FAILING.format(folder=str(Path(__file__).parent), writes=f"{writes!r}"))
    monkeypatch.setattr(submitting, "SUPERVISOR", (sys.executable, str(script)))
    run = launching("finish", ready=False)
    assert ended(run).state == "finished"
    assert "No space left on device" in (run / LOG).read_text()
    assert "Traceback" not in (run / LOG).read_text()
