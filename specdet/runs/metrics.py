"""The metrics of a run as series over its steps, over all of its attempts."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable

import attrs

from specdet.runs.tail import Event

MEASURES = ("metric", "eval")  # kinds of events with numbers by metric
STARTS = (*MEASURES, "checkpoint")  # kinds that only a training writes that knows where it goes on from
MOST_METRICS = 5000  # names; more are no metrics, but a mistake that would fill the memory


def _whole_numbers() -> "array[int]":
    return array("q")


def _numbers() -> "array[float]":
    return array("d")


@attrs.define(kw_only=True)
class Series:
    """A metric over the optimizer steps, which only ever rise; NaN where it was not finite.

    Attributes:
        times: When each was measured: seconds of training, see `Metrics`.
        rewrites: How often anything but the end has changed; who has kept something of an older state begins anew.
    """

    steps: "array[int]" = attrs.field(factory=_whole_numbers)
    values: "array[float]" = attrs.field(factory=_numbers)
    times: "array[float]" = attrs.field(factory=_numbers)
    rewrites: int = 0

    def __len__(self) -> int:
        return len(self.steps)

    def put(self, step: int, value: float, *, time: float = 0.0) -> None:
        """Add a point, or replace the one at this step."""
        if not self.steps or step > self.steps[-1]:
            self.steps.append(step)
            self.values.append(value)
            self.times.append(time)
            return
        self.rewrites += 1
        at = bisect_left(self.steps, step)
        if self.steps[at] == step:
            self.values[at], self.times[at] = value, time
        else:
            self.steps.insert(at, step)
            self.values.insert(at, value)
            self.times.insert(at, time)

    def cut(self, step: int) -> None:
        """Forget what lies after a step."""
        at = bisect_right(self.steps, step)
        if at < len(self.steps):
            self.rewrites += 1
            del self.steps[at:], self.values[at:], self.times[at:]


class Metrics:
    """The metrics of a run, over all of its attempts, as if it had never been interrupted.

    Of a (metric, step) that several attempts have measured, the newest counts. A resumed attempt goes back to its
    checkpoint: what earlier attempts measured after that step is forgotten. So it is where an attempt goes back itself.
    Times are seconds since the first event, without the pauses between attempts.

    Attributes:
        series: By metric.
        evaluated: The metrics that evaluations have measured; the others are measured while training.
        attempt: The newest one.
        left_out: How many numbers were left out because there were more than `MOST_METRICS` names.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Begin anew: the file was replaced."""
        self.series: dict[str, Series] = {}
        self.evaluated: set[str] = set()
        self.attempt = self.left_out = 0
        self._placed = True  # whether the step that the newest attempt went on from is known
        self._first = self._last = self._paused = 0.0  # s since 1970, twice, and s
        self._has_begun = False
        self._steps_an_epoch = float("inf")

    @property
    def seconds(self) -> float:
        """How long was trained so far: from the first event to the last, without the pauses between attempts."""
        return self._last - self._first - self._paused

    @property
    def steps_an_epoch(self) -> float | None:
        """How many steps an epoch has; None until one is over."""
        return self._steps_an_epoch if self._steps_an_epoch < float("inf") else None

    def add(self, events: Iterable[Event]) -> bool:
        """Take over events in the order of the file; gives whether any series has changed."""
        changed = False
        for event in events:
            changed |= self._add(event)
        return changed

    def _add(self, event: Event) -> bool:
        if event.attempt < self.attempt:
            return False
        changed = False
        self._clock(event)
        if event.attempt > self.attempt:
            self.attempt, self._placed = event.attempt, False
        if event.epoch and event.step:  # the last step of an epoch is an exact multiple, all others are more
            self._steps_an_epoch = min(self._steps_an_epoch, event.step / event.epoch)
        if not self._placed and _tells_start(event):
            self._placed = True
            start = event.step - 1 if event.kind in MEASURES else event.step
            for series in self.series.values():
                series.cut(start)
            changed = True
        back_to = event.data.get("back_to")
        if event.kind == "log" and isinstance(back_to, int):
            for series in self.series.values():
                series.cut(back_to)
            changed = True
        if event.kind in MEASURES:
            changed |= self._measure(event)
        return changed

    def _clock(self, event: Event) -> None:
        """Keep the time of training: from the first event on, without what lies between two attempts."""
        if not self._has_begun:
            self._has_begun, self._first, self._last = True, event.t, event.t
        if event.attempt > self.attempt > 0:
            self._paused += max(0.0, event.t - self._last)
        self._last = max(self._last, event.t)

    def _measure(self, event: Event) -> bool:
        found = {name: float("nan") for name in event.nonfinite}
        found |= {
            name: float(value)
            for name, value in event.data.items()
            if isinstance(value, int | float) and not isinstance(value, bool)
        }
        time = max(0.0, event.t - self._first - self._paused)
        for name, value in found.items():
            series = self.series.get(name)
            if series is None:
                if len(self.series) >= MOST_METRICS:
                    self.left_out += 1
                    continue
                series = self.series[name] = Series()
            series.put(event.step, value, time=time)
        if event.kind == "eval":
            self.evaluated.update(name for name in found if name in self.series)
        return bool(found)


def _tells_start(event: Event) -> bool:
    """Whether the step of an event is one of the training: while data is prepared, none is known yet."""
    return event.kind in STARTS or (event.kind == "phase" and event.data.get("phase") in ("train", "eval", "save"))
