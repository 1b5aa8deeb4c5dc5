"""Thinned: the few points of a long series that show it all, of which none moves when more come."""

import numpy as np

from specdet.runs.metrics import Series

CELLS = 128  # at most, of a series


def extremes(values: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Where each cell has its first, last, lowest and highest value, and its first that is no number; ascending.

    Args:
        values: (N,) float64, of which NaN are gaps.
        cells: (N,) int64, the cell of each value, ascending.
    """
    if not len(values):
        return np.empty(0, np.int64)
    starts = np.flatnonzero(np.diff(cells, prepend=cells[0] - 1))
    ends = np.append(starts[1:], len(cells)) - 1
    numbers = np.repeat(np.arange(len(starts)), ends - starts + 1)
    wanted = [starts, ends]
    for most in (np.fmin.reduceat(values, starts), np.fmax.reduceat(values, starts)):
        wanted.append(_first_of_each(np.flatnonzero(values == most[numbers]), numbers))
    wanted.append(_first_of_each(np.flatnonzero(np.isnan(values)), numbers))
    return np.unique(np.concatenate(wanted))


def width_for(steps: np.ndarray, *, limit: int, width: int = 1) -> int:
    """The smallest power of two, `width` or more, of steps a cell with which there are at most `limit` cells.

    Args:
        steps: (N,) int64, ascending.
    """
    while len(steps) and np.count_nonzero(np.diff(steps // width)) + 1 > limit:
        width *= 2
    return width


def _first_of_each(places: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Of ascending places, the first in each cell."""
    return places[np.unique(numbers[places], return_index=True)[1]]


class Thinned:
    """The points of a series that are shown, kept while it grows.

    Cells are as wide as a power of two of steps, so that they stay what they are as points come; only once there are
    more than `limit` of them do two become one. Of each cell the first, last, lowest and highest point is kept, and the
    first that was no number. What a new point costs does not depend on how many there are.

    Attributes:
        width: Steps of a cell.
    """

    def __init__(self, *, limit: int = CELLS):
        assert limit >= 2, "one cell would have to be halved for ever"
        self._limit = limit
        self._begin_anew(0)

    def update(self, series: Series) -> np.ndarray:
        """Which points to show now: (K,) int64 places in the series, ascending. The series must not grow meanwhile."""
        if series.rewrites != self._rewrites or len(series) < self._open:
            self._begin_anew(series.rewrites)
        # Views, which must be gone before the series can grow again.
        steps, values = np.frombuffer(series.steps, np.int64), np.frombuffer(series.values, np.float64)
        if self._closed_cells + np.count_nonzero(np.diff(steps[self._open :] // self.width)) + 1 > self._limit:
            self.width = width_for(steps, limit=self._limit, width=self.width)
            self._open = self._closed_cells = 0
            self._closed = np.empty(0, np.int64)
        cells = steps[self._open :] // self.width
        fresh = self._open + extremes(values[self._open :], cells)
        if not len(cells):
            return self._closed
        # The last cell is open: more may come into it, and the others are done with.
        last = int(np.searchsorted(cells, cells[-1]))
        if last:
            self._closed = np.concatenate([self._closed, fresh[fresh < self._open + last]])
            self._closed_cells += int(np.count_nonzero(np.diff(cells[:last]))) + 1
            fresh = fresh[fresh >= self._open + last]
            self._open += last
        return np.concatenate([self._closed, fresh])

    def _begin_anew(self, rewrites: int) -> None:
        self.width, self._rewrites = 1, rewrites
        self._closed = np.empty(0, np.int64)
        self._closed_cells = self._open = 0  # cells that are done with, and where the open one begins
