"""What happened in a run besides measurements: attempts, phases, checkpoints, evaluations, commands, errors."""

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from specdet.runs.tail import Event

MOST = 2000  # kept; the oldest go first
LONGEST = 2000  # characters of a text that is kept


@attrs.frozen(kw_only=True)
class Happening:
    """Something that happened.

    Attributes:
        t: When, s since 1970.
        kind: attempt, phase, evaluation, checkpoint, command, error, log, or another kind of event.
        what: In words.
        seconds: How long a phase took; None for what takes no time, or is not over.
    """

    t: float
    attempt: int
    step: int
    epoch: int
    kind: str
    what: str
    seconds: float | None = None


class Happenings:
    """All that happened, oldest first; of phases only those that are over, or the one that is not.

    Attributes:
        found: At most `MOST`.
        left_out: How many older ones are not kept any more.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Begin anew: the file was replaced."""
        self.found: deque[Happening] = deque()
        self.left_out = 0
        self._attempt = 0

    def add(self, events: Iterable[Event]) -> bool:
        """Take over events in the order of the file; gives whether anything has changed."""
        changed = False
        for event in events:
            if event.kind != "metric":
                changed |= self._add(event)
        return changed

    def _add(self, event: Event) -> bool:
        if event.attempt > self._attempt:
            self._attempt = event.attempt
            self._put(event, kind="attempt", what=f"attempt {event.attempt} begins")
        if event.kind == "phase":
            self._phase(event)
        else:
            self._put(event, kind="evaluation" if event.kind == "eval" else event.kind, what=_what(event))
        return True

    def _phase(self, event: Event) -> None:
        """A phase ends the one before it; one that is told twice is one."""
        phase = _text(event.data.get("phase"))
        at = next((place for place in range(len(self.found) - 1, -1, -1) if self.found[place].kind == "phase"), None)
        if at is not None and self.found[at].attempt == event.attempt and self.found[at].seconds is None:
            before = self.found[at]
            if before.what == phase:
                return
            self.found[at] = attrs.evolve(before, seconds=max(0.0, event.t - before.t))
        self._put(event, kind="phase", what=phase)

    def _put(self, event: Event, *, kind: str, what: str) -> None:
        self.found.append(
            Happening(
                t=event.t, attempt=event.attempt, step=event.step, epoch=event.epoch, kind=kind[:LONGEST], what=what
            )
        )
        if len(self.found) > MOST:
            self.found.popleft()
            self.left_out += 1


def _what(event: Event) -> str:
    """An event in words."""
    data = event.data
    if event.kind == "checkpoint":
        return _text(data.get("path"))
    if event.kind == "command":
        return f"{_text(data.get('command'))}: {_text(data.get('outcome'))}"
    if event.kind == "error":
        return f"{_text(data.get('type'))}: {_text(data.get('message'))}"
    if event.kind == "log":
        return _text(data.get("message"))
    return _values(data, nonfinite=event.nonfinite)


def _values(data: Mapping[str, Any], *, nonfinite: tuple[str, ...]) -> str:
    shown = {**data, **dict.fromkeys(nonfinite, "not finite")}
    return _text(", ".join(f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
                           for name, value in list(shown.items())[:50]))  # fmt: skip


def _text(value: object) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= LONGEST else text[:LONGEST] + "..."
