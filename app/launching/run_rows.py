"""Rows of the table of runs: each status as the cells that stand for it."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import attrs

from app.launching.machine import short
from app.states import LOOKS
from specdet.runs.status import RunStatus
from specdet.runs.words import duration, main_metric


@attrs.frozen(kw_only=True)
class Page:
    """One page of a list.

    Attributes:
        number: From 1.
        count: How many pages there are, at least one.
        runs: Those on it.
        total: How many there are on all.
    """

    number: int
    count: int
    runs: tuple[RunStatus, ...]
    total: int


def page_of(runs: Sequence[RunStatus], number: int, *, size: int) -> Page:
    """The page of that number, or the nearest that there is."""
    count = max(1, -(-len(runs) // size))
    number = min(max(1, number), count)
    return Page(number=number, count=count, runs=tuple(runs[(number - 1) * size : number * size]), total=len(runs))


def metrics_of(runs: Iterable[RunStatus]) -> list[str]:
    """The names of all metrics with a best value in any run."""
    return sorted({name for run in runs for name in run.best})


def tags_of(runs: Iterable[RunStatus]) -> list[str]:
    """All tags of any run."""
    return sorted({tag for run in runs for tag in run.tags})


def columns_of(
    runs: Sequence[RunStatus], *, metric: str, now: float, line_of: Callable[[RunStatus], list[float]]
) -> dict[str, list[Any]]:
    """The cells of the table by column.

    Args:
        metric: The metric that is shown; empty for the main one of each run.
        now: s since 1970.
        line_of: The course of a run's loss.
    """
    names = [metric or main_metric(run) for run in runs]
    pairs = list(zip(runs, names, strict=True))
    return {
        "star": ["★" if run.star else "" for run in runs],
        "state": [state_text(run) for run in runs],
        "name": [run.name for run in runs],
        "progress": [progress_of(run) for run in runs],
        "left": [duration(run.eta_s) if run.eta_s is not None else "" for run in runs],
        "loss": [line_of(run) for run in runs],
        "metric": names,
        "best": [run.best.get(name) for run, name in pairs],
        "last": [run.last.get(name) for run, name in pairs],
        "tags": [list(run.tags) for run in runs],
        "about": ["; ".join(part for part in (run.why, *run.note.splitlines()[:1]) if part) for run in runs],
        "age": [age_text(run.created, now=now) for run in runs],
        "took": [took_text(run, now=now) for run in runs],
        "devices": [short(run.devices) for run in runs],
        "parent": [run.parent for run in runs],
        "id": [run.id for run in runs],
    }


def state_text(run: RunStatus) -> str:
    """A sign and a word, and the phase where that says more."""
    phase = f", {run.phase}" if run.phase in ("prepare", "eval", "save") else ""
    archived = ", archived" if run.archived else ""
    return f"{LOOKS[run.state].sign} {run.state}{phase}{archived}"


def progress_of(run: RunStatus) -> float | None:
    """How much of a run is done, in percent; None where that is not known."""
    return min(100.0, 100.0 * run.iter / run.max_iters) if run.max_iters else None


def age_text(created: float, *, now: float) -> str:
    """How long ago, in words."""
    return f"{duration(max(0.0, now - created))} ago" if created else ""


def took_text(run: RunStatus, *, now: float) -> str:
    """From when a run was made until it gave its last sign of life, or until now."""
    end = now if run.is_alive else run.updated
    return duration(end - run.created) if run.created and end > run.created else ""
