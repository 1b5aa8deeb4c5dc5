"""Which of all runs are wanted, and in which order: for verbs, the app and other programs."""

import re
import time
from collections.abc import Iterable, Sequence
from datetime import datetime

import attrs

from specdet.runs.direction import lower_is_better
from specdet.runs.status import RunStatus

UNITS = {"m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
TIMES, TEXTS = ("created", "updated"), ("name", "state")  # what runs can be sorted by besides metrics

PART_OF_ID = 4  # characters; every id has many digits


@attrs.frozen(kw_only=True)
class Filter:
    """What a run must be to be wanted; what is not said does not matter.

    Attributes:
        states: One of these.
        tags: All of these.
        name: A part of its name or id, in whatever case.
        text: Words, in whatever case, each of which is in its name, its note or one of its tags, or, where it is longer
            than numbers like 18 are, in its id.
        starred: Whether only those with a star.
        since: Made then or later, s since 1970.
        archived: Whether the archived ones too.
    """

    states: Sequence[str] = ()
    tags: Sequence[str] = ()
    name: str = ""
    text: str = ""
    starred: bool = False
    since: float = 0.0
    archived: bool = False

    def of(self, runs: Iterable[RunStatus]) -> list[RunStatus]:
        """Those that are wanted, in the order in which they come."""
        tags, name, words = {*self.tags}, self.name.lower(), self.text.lower().split()
        return [
            run
            for run in runs
            if (self.archived or not run.archived)
            and (not self.states or run.state in self.states)
            and (not self.starred or run.star)
            and run.created >= self.since
            and tags <= {*run.tags}
            and (not name or name in run.name.lower() or name in run.id.lower())
            and (not words or _says_all(run, words))
        ]


def in_order(runs: Sequence[RunStatus], key: str, *, reverse: bool = False) -> list[RunStatus]:
    """Runs by "created" or "updated" (the latest first), "name", "state", or a metric (the best first).

    Those without that metric come last, whichever way round.

    Raises:
        ValueError: Where no run has a metric of that name.
    """
    if key in TIMES:
        return sorted(runs, key=lambda each: getattr(each, key), reverse=not reverse)
    if key in TEXTS:
        return sorted(runs, key=lambda each: getattr(each, key).lower(), reverse=reverse)
    if runs and not any(key in each.best for each in runs):
        raise ValueError(f"no run has a metric '{key}'")
    measured = [(value, each) for each in runs if (value := each.best.get(key)) is not None]
    rest = [each for each in runs if each.best.get(key) is None]
    ordered = sorted(measured, key=lambda pair: pair[0], reverse=reverse == lower_is_better(key))
    return [*(each for _, each in ordered), *rest]


def since(text: str, *, now: float | None = None) -> float:
    """When "3d", "12h", "30m" or "2w" ago was, or a date as "2026-01-31"; s since 1970. Raises ValueError."""
    if match := re.fullmatch(r"(\d+(?:\.\d+)?)([mhdw])", text):
        return (time.time() if now is None else now) - float(match[1]) * UNITS[match[2]]
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError) as error:
        raise ValueError(f"'{text}' is no time: give 3d, 12h, 30m, 2w, or a date as 2026-01-31") from error


def _says_all(run: RunStatus, words: Sequence[str]) -> bool:
    said = "\n".join((run.name, run.note, *run.tags)).lower()
    return all(word in said or (len(word) >= PART_OF_ID and word in run.id.lower()) for word in words)
