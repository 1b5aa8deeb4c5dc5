"""Steering a run: asking it for something in the way that its state wants, and why some things cannot be asked."""

from pathlib import Path

from specdet.runs.control import Command, Kind, ask, pending
from specdet.runs.processes import end_all
from specdet.runs.status import RunStatus
from specdet.runs.stop import ask_to_stop

STOPS: tuple[Kind, ...] = ("stop", "stop_now")


def refusal(status: RunStatus, kind: Kind) -> str:
    """Why it makes no sense to ask a run for something, as a sentence; empty where it does."""
    if not status.is_alive:
        return f"it is {status.state}: nothing of it runs"
    if kind in STOPS:
        return "it is stopping already" if kind == "stop" and status.state == "stopping" else ""
    what = "saved" if kind == "checkpoint" else "evaluated"
    if status.state in ("queued", "starting"):
        return f"it is {status.state}: there is nothing to be {what} yet"
    if status.state in ("stopping", "orphaned"):
        return "it is stopping: the end of it is saved anyway"
    return ""


def refusal_to_resume(status: RunStatus) -> str:
    """Why a run cannot go on as it is, as a sentence; empty where it can."""
    if status.is_alive:
        return f"it is {status.state}: stop it first"
    if status.state == "finished":
        return "it has finished: to train it longer, change how long it is to train"
    return ""


def steer(directory: Path, kind: Kind, *, status: RunStatus, by: str) -> Command | None:
    """Ask a run for something, once: what waits for an answer already is not asked again.

    Of a run that nobody owns any more, "stop_now" kills the processes.

    Args:
        status: Where it stands.
        by: Who asks.

    Returns:
        What was asked; None where processes were killed and nobody is left to answer.

    Raises:
        OSError: Where the run's directory cannot be written to.
    """
    if status.state == "orphaned" and kind == "stop_now":
        end_all(directory.name, directory)
        return None
    waiting = next((command for command in pending(directory) if command.kind == kind), None)
    if waiting is not None:
        return waiting
    return ask_to_stop(directory, now=kind == "stop_now", by=by) if kind in STOPS else ask(directory, kind, by=by)
