"""Watched: the events of one run, read once for all who look at it, and the points of them that are shown."""

import threading
from array import array
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import attrs
import numpy as np

from app.charts.figure import Axis
from app.charts.points import Line, across
from app.charts.smooth import Smoothed
from app.charts.thin import CELLS, Thinned, extremes, width_for
from app.security.roots import file_of
from specdet.runs.direction import lower_is_better
from specdet.runs.event_reader import EventReader
from specdet.runs.happenings import Happening
from specdet.runs.metrics import Series
from specdet.runs.tail import EVENTS

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
MOST_KEPT = 64  # series whose shown points, and averages, are kept


@attrs.frozen(kw_only=True)
class View:
    """How lines are looked at.

    Attributes:
        axis: What runs from left to right.
        smoothing: Weight of the moving average; 0 for none.
        span: What of the axis is looked at closely, time in s; all of it, coarsely, unless given.
    """

    axis: Axis = "step"
    smoothing: float = 0.0
    span: tuple[float, float] | None = None


class Watched:
    """What the events of a run say, for several threads.

    Args:
        directory: The run directory.
    """

    def __init__(self, directory: Path):
        self.directory = directory
        self._lock = threading.Lock()
        self._reader = EventReader(directory)
        self._thinned: OrderedDict[str, Thinned] = OrderedDict()
        self._smoothed: OrderedDict[tuple[str, float], Smoothed] = OrderedDict()

    def advance(self, *, seconds: float) -> float:
        """Read what is new, for no longer than that; gives how much of the file is read, 1 for all.

        Raises:
            Outside: Where the file is a link to elsewhere.
            OSError: Where it cannot be read.
        """
        file_of(self.directory, EVENTS)
        with self._lock:
            self._reader.update(seconds=seconds)
            done, size = self._reader.done
            # What was read is still to be taken in, so that it is not all, however small the file.
            return min(0.99, done / size) if self._reader.is_behind and size else 1.0

    @property
    def size(self) -> int:
        """Bytes of the events, as far as they were looked at."""
        with self._lock:
            return self._reader.done[1]

    def length(self, names: Iterable[str]) -> int:
        """How many points the longest of these metrics has."""
        with self._lock:
            series = self._reader.metrics.series
            return max((len(series[name]) for name in names if name in series), default=0)

    @property
    def names(self) -> list[str]:
        """The metrics that were measured."""
        with self._lock:
            return list(self._reader.metrics.series)

    @property
    def left_out(self) -> int:
        """How many numbers were left out since there are too many names."""
        with self._lock:
            return self._reader.metrics.left_out

    @property
    def seconds(self) -> float:
        """How long was trained so far."""
        with self._lock:
            return self._reader.metrics.seconds

    @property
    def steps_an_epoch(self) -> float | None:
        """None until an epoch is over."""
        with self._lock:
            return self._reader.metrics.steps_an_epoch

    def happenings(self) -> tuple[list[Happening], int]:
        """What happened, oldest first, and how many older ones are not kept."""
        with self._lock:
            return list(self._reader.happenings.found), self._reader.happenings.left_out

    def evaluations(self) -> dict[str, dict[int, float]]:
        """Of each metric that evaluations measure, its values by step; NaN where it was not finite."""
        with self._lock:
            metrics = self._reader.metrics
            return {
                name: dict(zip(each.steps, each.values, strict=True))
                for name, each in metrics.series.items()
                if name in metrics.evaluated
            }

    def last_values(self, names: Sequence[str], *, count: int) -> dict[str, list[tuple[int, float]]]:
        """The last points of some metrics, oldest first."""
        with self._lock:
            found = {name: self._reader.metrics.series.get(name) for name in names}
            return {
                name: list(zip(each.steps[-count:], each.values[-count:], strict=True))
                for name, each in found.items()
                if each is not None
            }

    def lines(self, called: Mapping[str, str], *, view: View) -> list[Line]:
        """The lines of some metrics, of those that there are.

        Args:
            called: What each line is called, by metric.
            view: How they are looked at.
        """
        with self._lock:
            metrics = self._reader.metrics
            return [
                self._line(name, metrics.series[name], view=view, called=label)
                for name, label in called.items()
                if name in metrics.series
            ]

    def _line(self, name: str, series: Series, *, view: View, called: str) -> Line:
        places = _kept(self._thinned, name, Thinned).update(series)
        epoch = self._reader.metrics.steps_an_epoch
        if view.span is not None and len(places):
            places = _closer(places, series, view=view, steps_an_epoch=epoch)
        averages = None
        if view.smoothing:
            smoothed = _kept(self._smoothed, (name, view.smoothing), lambda: Smoothed(weight=view.smoothing))
            averages = smoothed.update(series)
        best = None
        if name in self._reader.metrics.evaluated:
            best = best_place(series.values, lower=lower_is_better(name))
            places = places if best is None else np.union1d(places, [best])
        return Line.of(series, places, name=called, averages=averages, best=best, steps_an_epoch=epoch)


def best_place(values: "array[float]", *, lower: bool) -> int | None:
    """Where the best value is first; None where none is a number."""
    found = np.frombuffer(values, np.float64)
    if not len(found) or np.isnan(found).all():
        return None
    return int(np.nanargmin(found) if lower else np.nanargmax(found))


def _closer(places: np.ndarray, series: Series, *, view: View, steps_an_epoch: float | None) -> np.ndarray:
    """More of the points within the span that is looked at, and one more on either side of it."""
    assert view.span is not None
    steps, times = np.frombuffer(series.steps, np.int64), np.frombuffer(series.times, np.float64)
    x = across(view.axis, steps=steps, times=times, steps_an_epoch=steps_an_epoch)
    if len(x) > 1 and not (np.diff(x) >= 0).all():  # a measurement was taken again later, or nothing is known yet
        return places
    first, last = np.searchsorted(x, view.span[0]), np.searchsorted(x, view.span[1], side="right")
    first, last = max(0, int(first) - 1), min(len(x), int(last) + 1)
    within = steps[first:last]
    width = width_for(within, limit=CELLS)
    close = first + extremes(np.frombuffer(series.values, np.float64)[first:last], within // width)
    return np.concatenate([places[places < first], close, places[places >= last]])


def _kept(kept: "OrderedDict[K, V]", key: K, make: Callable[[], V]) -> V:
    """What is kept under a key, made where it is missing; of too many the one that was longest not asked for goes."""
    if key not in kept:
        kept[key] = make()
    kept.move_to_end(key)
    while len(kept) > MOST_KEPT:
        kept.popitem(last=False)
    return kept[key]
