"""Runs of fake ranks, launched by the real code; whatever becomes of them, a test leaves no process."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from specdet.runs import submit as submitting
from specdet.runs.devices import LIST, VISIBLE, Wish, is_free
from specdet.runs.identity import Identity, processes_of
from specdet.runs.launch_command import LaunchOptions
from specdet.runs.lock import is_owned
from specdet.runs.state import RunState, read_process, read_state
from specdet.runs.submit import Draft, submit

SUPERVISOR = (sys.executable, str(Path(__file__).with_name("fake_supervisor.py")))
SHELL = """
import sys, time, attrs
from specdet.runs import submit
from tests.runs.launching import DRAFT, OPTIONS, SUPERVISOR
submit.SUPERVISOR = SUPERVISOR
for _ in range(int(sys.argv[1])):
    print(submit.submit(DRAFT, attrs.evolve(OPTIONS, waits=sys.argv[2] == "True")), flush=True)
time.sleep(60)
"""
SOON = 5.0  # s, within which a state must be right
LONG = 60.0  # s, for what is only waited for
OPTIONS = LaunchOptions(wanted=Wish(names=("cpu",)), processes=2)
DRAFT = Draft(name="fake", seed=0, spec="resolved", source="written")


def until(condition: Callable[[], Any], *, seconds: float = SOON) -> Any:
    """The first true value of a condition; fails the test where there is none in time."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "it has not come to that in time"
        time.sleep(0.02)
    return value


def pid_of(run: Path, rank: int) -> int:
    return int(until(lambda: (file := run / f"rank{rank}").exists() and file.read_text()))


def owner_of(run: Path) -> Identity:
    process = read_process(run)
    assert process is not None
    return process.owner


def launcher_of(run: Path) -> Identity:
    process = read_process(run)
    assert process is not None and process.launcher is not None
    return process.launcher


def state_of(run: Path) -> RunState:
    state = read_state(run)
    assert state is not None
    return state


def ended(run: Path, *, seconds: float = SOON) -> RunState:
    """How a run ended; asserts that nothing of it is left and that its device is free."""
    until(lambda: (state := read_state(run)) is not None and state.has_ended, seconds=seconds)
    until(lambda: not is_owned(run) and not list(processes_of(run.name)), seconds=1.0)
    assert is_free("cpu")
    return state_of(run)


class Launching:
    """Starts fake runs."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch):
        self.folder, self._monkeypatch = folder, monkeypatch
        self._started: list[str] = []

    def __call__(
        self, fake: str = "", *, processes: int = 2, waits: bool = False, ready: bool = True, draft: Draft = DRAFT
    ) -> Path:
        """A run whose ranks do as `fake` says; where it is ready they are at it."""
        self._monkeypatch.setenv("FAKE", fake)
        run = submit(draft, attrs.evolve(OPTIONS, processes=processes, waits=waits))
        self._started.append(run.name)
        if ready:
            self.until_ready(run, processes=processes, prepared="prepare" not in fake)
        return run

    def from_a_shell(self, fake: str, *, number: signal.Signals, count: int = 1, waits: bool = False) -> list[Path]:
        """Runs that a shell has started, which is then sent a signal with all that it started in its session."""
        self._monkeypatch.setenv("FAKE", fake)
        shell = subprocess.Popen(
            ["sh", "-c", '"$0" -c "$@"; true', sys.executable, SHELL, str(count), str(waits)],
            stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2], start_new_session=True,
        )  # fmt: skip
        assert shell.stdout is not None
        runs = [Path(shell.stdout.readline().strip()) for _ in range(count)]
        self._started += [run.name for run in runs]
        os.killpg(shell.pid, number)
        shell.communicate()
        return runs

    def until_ready(self, run: Path, *, processes: int = 2, prepared: bool = True) -> None:
        for rank in range(processes):
            pid_of(run, rank)
        until(lambda: state_of(run).state == ("running" if prepared else "starting"))

    def forget(self) -> None:
        for name in self._started:
            for process in processes_of(name):
                process.signal(signal.SIGKILL)


@pytest.fixture
def launching(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Launching]:
    for variable in (LIST, VISIBLE):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PATH", os.defpath)  # without nvidia-smi
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("SPECDET_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("SPECDET_STOP_GRACE", "0.3")
    monkeypatch.setattr(submitting, "SUPERVISOR", SUPERVISOR)
    found = Launching(tmp_path, monkeypatch)
    yield found
    found.forget()
