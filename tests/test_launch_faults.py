"""A launched training on two real processes, a part of which is killed: it ends, says why, goes on bit for bit."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from small_training import LAST, environment, run_of, same_weights, write_spec

from specdet.runs.identity import processes_of
from specdet.runs.lock import holder_of
from specdet.runs.state import RunState, read_process, read_state
from specdet.runs.status import read_status

SOON = 15.0  # s; 5 where the machine has nothing else to do


def specdet(folder: Path, *arguments: str, slow: str = "") -> str:
    done = subprocess.run(
        [sys.executable, "-m", "specdet.cli", *arguments],
        env={**environment(folder), "SLOW": slow},
        capture_output=True,
        text=True,
        timeout=120,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def launch(folder: Path, *, slow: str = "") -> Path:
    """Start a training on two processes, detached."""
    folder.mkdir()
    _, plugin, spec, *overrides = write_spec(folder)
    overrides = [*overrides, "data.images_per_device=2"]
    specdet(folder, "launch", spec, *overrides, "--plugin", plugin, "--processes", "2", "--detach", slow=slow)
    return run_of(folder)


def until(reached: Callable[[], bool], *, within: float) -> float:
    """Wait; gives how long that took, s."""
    started = time.monotonic()
    while not reached():
        assert time.monotonic() - started < within, "it took too long"
        time.sleep(0.05)
    return time.monotonic() - started


def state_of(run: Path) -> RunState:
    state = read_state(run)
    assert state is not None
    return state


def has_ended(run: Path, *, attempt: int) -> bool:
    state = read_state(run)
    return state is not None and state.has_ended and state.attempt == attempt


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Path:
    run = launch(tmp_path_factory.mktemp("undisturbed") / "straight")
    until(lambda: has_ended(run, attempt=1), within=120)
    assert state_of(run).state == "finished"
    return run


def pid_of(part: str, run: Path) -> int:
    process = read_process(run)
    assert process is not None and process.launcher is not None
    if part == "supervisor":
        return process.owner.pid
    if part == "launcher":
        return process.launcher.pid
    ranks = [each.pid for each in processes_of(run.name) if psutil.Process(each.pid).environ().get("RANK") == "1"]
    return ranks[0]


@pytest.mark.skipif(sys.platform != "linux", reason="processes of a run are found by Linux's ways")
@pytest.mark.parametrize(
    ("part", "state", "reason"),
    [("rank", "failed", "signal"), ("launcher", "failed", "signal"), ("supervisor", "stopped", "orphaned")],
)
def test_whatever_is_killed_the_run_ends_says_why_and_goes_on_bit_for_bit(part, state, reason, undisturbed, tmp_path):
    run = launch(tmp_path / "killed", slow="step 0.5")
    until(lambda: (run / "checkpoints" / "iter_00000003").is_dir(), within=60)
    os.kill(pid_of(part, run), signal.SIGKILL)
    took = until(lambda: read_status(run).state == state, within=SOON)
    print(f"{part}: {took:.1f} s until its state was right")
    until(lambda: not list(processes_of(run.name)), within=SOON)
    assert (state_of(run).state, state_of(run).reason) == (state, reason), state_of(run)
    locks = list((tmp_path / "killed" / "cache").rglob("cpu.*"))
    assert locks and not any(holder_of(lock) for lock in locks)
    specdet(tmp_path / "killed", "resume", str(run), "--detach")
    until(lambda: has_ended(run, attempt=2), within=120)
    assert state_of(run).state == "finished", state_of(run)
    assert same_weights([undisturbed, run], LAST)


@pytest.mark.skipif(sys.platform != "linux", reason="processes of a run are found by Linux's ways")
def test_a_run_does_not_notice_that_the_shell_which_follows_it_is_killed(undisturbed, tmp_path):
    folder = tmp_path / "shell"
    folder.mkdir()
    _, plugin, spec, *overrides = write_spec(folder)
    verb = [sys.executable, "-m", "specdet.cli", "launch", spec, *overrides, "data.images_per_device=2"]
    shell = subprocess.Popen(
        ["sh", "-c", '"$0" "$@"; true', *verb, "--plugin", plugin, "--processes", "2"],
        env={**environment(folder), "SLOW": "step 0.2"}, cwd=folder, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    until(lambda: list(folder.glob("runs/*/checkpoints/iter_00000002")), within=90)
    os.killpg(shell.pid, signal.SIGKILL)  # with all that it started in its session
    shell.wait()
    run = run_of(folder)
    until(lambda: has_ended(run, attempt=1), within=120)
    assert state_of(run).state == "finished", state_of(run)
    assert same_weights([undisturbed, run], LAST)
