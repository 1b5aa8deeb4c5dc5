"""Asking a run to stop, so that it hears of it in whatever it does."""

import signal
from pathlib import Path

from specdet.runs.control import Command, ask
from specdet.runs.state import read_process
from specdet.runs.status import read_status


def ask_to_stop(directory: Path, *, now: bool = False, by: str = "cli") -> Command:
    """Ask a run to stop with a checkpoint, or `now`, without one. Raises OSError where that cannot be written."""
    status = read_status(directory)
    command = ask(directory, "stop_now" if now else "stop", by=by)
    if status.phase in ("", "prepare"):
        _hurry(directory)
    return command


def _hurry(directory: Path) -> None:
    """Send SIGTERM to a training without supervisor that is not training yet: it may not look at commands so early."""
    process = read_process(directory)
    if process is not None and process.by == "training":
        process.owner.signal(signal.SIGTERM)
