"""Following a run from a shell: a progress bar on a terminal, its log elsewhere; Ctrl-C asks it to stop and save."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from specdet.runs.control import Kind, ask
from specdet.runs.heartbeat import read_progress
from specdet.runs.state import RunState, read_state
from specdet.runs.status import read_status
from specdet.runs.supervisor import OUT_LOG

FINISHED, FAILED, STOPPED = 0, 1, 76  # exit codes of the verbs that follow
POLL = 0.2  # s
LOST_AFTER = 3.0  # s between two looks at the processes of a run that nobody owns
SHOWN = 3  # metrics beside the bar


class View(Protocol):
    """What shows a run while it is followed."""

    def show(self, state: RunState, progress: dict[str, Any]) -> None:
        """Where it stands; called a few times a second."""
        ...

    def say(self, line: str) -> None:
        """A sentence about it."""
        ...


def follow(directory: Path, *, log_start: int = 0) -> int:
    """Show a run until it ends; gives the exit code. Ctrl-C asks for a stop and save, a second one for a stop now.

    Args:
        log_start: Where in out.log its attempt begins, in bytes.
    """
    with _view(directory, log_start) as view:
        asked: list[Kind] = ["stop_now", "stop"]
        looked = time.monotonic()
        while True:
            try:
                state = read_state(directory)
                if state is not None:
                    view.show(state, read_progress(directory, attempt=state.attempt) or {})
                    if state.has_ended:
                        break
                if time.monotonic() - looked > LOST_AFTER:
                    looked = time.monotonic()
                    status = read_status(directory)
                    if not status.is_alive:
                        view.say(f"{directory.name}: {status.state}: {status.why}")
                        return FAILED
                time.sleep(POLL)
            except KeyboardInterrupt:
                if not asked:
                    raise
                kind = asked.pop()
                ask(directory, kind)
                view.say("stopping, with a checkpoint; Ctrl-C again: at once" if kind == "stop" else "stopping at once")
    return _report(directory, state)


def _report(directory: Path, state: RunState) -> int:
    """Say how it ended; the log itself was shown where there is no terminal."""
    said = f"{directory.name}: {state.state}" + (f": {state.message}" if state.message else "")
    if state.state == "failed":
        if sys.stdout.isatty():
            print("\n".join(state.last_lines), file=sys.stderr)
        print(f"{said}\nthe whole log: {directory / OUT_LOG}", file=sys.stderr)
        return FAILED
    print(said)
    return FINISHED if state.state == "finished" else STOPPED


@contextmanager
def _view(directory: Path, log_start: int) -> Iterator[View]:
    if not sys.stdout.isatty():
        with _Lines(directory / OUT_LOG, log_start) as lines:
            yield lines
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[told]}"))
    with Progress(*columns, console=Console(), refresh_per_second=4) as bar:
        yield _Bar(bar)


class _Lines:
    """The log, as it grows, and each change of state."""

    def __init__(self, path: Path, start: int):
        self._path, self._position = path, start
        self._said = ""

    def __enter__(self) -> "_Lines":
        return self

    def __exit__(self, *error: object) -> None:
        self._copy()

    def show(self, state: RunState, progress: dict[str, Any]) -> None:
        said = f"{state.state}: {state.message}" if state.message else state.state
        if said != self._said and not state.has_ended:
            self._said = said
            self.say(said)
        self._copy()

    def say(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    def _copy(self) -> None:
        try:
            with self._path.open("rb") as file:
                if file.seek(0, 2) < self._position:  # a new file, the old one was long
                    self._position = 0
                file.seek(self._position)
                found = file.read()
        except OSError:  # it has not begun
            return
        self._position += len(found)
        sys.stdout.write(found.decode(errors="replace"))
        sys.stdout.flush()


class _Bar:
    """A progress bar with losses and metrics."""

    def __init__(self, bar: Any):
        self._bar = bar
        self._task = bar.add_task("queued", total=None, told="")

    def show(self, state: RunState, progress: dict[str, Any]) -> None:
        phase = progress.get("phase", "")
        told = f"{state.state} ({phase})" if state.state == "running" and phase not in ("", "train") else state.state
        self._bar.update(
            self._task,
            description=told,
            completed=progress.get("iter") or 0,
            total=progress.get("max_iters") or None,
            told=state.message or beside_the_bar(progress),
        )

    def say(self, line: str) -> None:
        self._bar.console.print(line, soft_wrap=True, highlight=False)


def beside_the_bar(progress: dict[str, Any]) -> str:
    """The sum of the losses, or the first ones; the last metrics; and how long it still takes."""
    last = {name: value for name, value in (progress.get("last") or {}).items() if isinstance(value, int | float)}
    losses = [name for name in last if "loss" in name.split("/")]
    measured = [name for name in last if name in (progress.get("best") or {}) and name not in losses]
    names = [name for name in losses if name in ("loss", "loss/total")] or losses
    told = [f"{name} {last[name]:.4g}" for name in (*names[:SHOWN], *measured[:SHOWN])]
    seconds = progress.get("eta_s")
    if isinstance(seconds, int | float):
        minutes, rest = divmod(round(seconds), 60)
        hours, minutes = divmod(minutes, 60)
        told.append(f"{hours}:{minutes:02d}:{rest:02d} left")
    return "  ".join(told)
