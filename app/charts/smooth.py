"""Smoothed: an exponential moving average of a series that does not begin at zero."""

from array import array

from specdet.runs.metrics import Series


class Smoothed:
    """The average of each point and those before it, kept while the series grows.

    Each average is divided by the weight that it has come by, as in Adam (Kingma and Ba 2015), so that the first points
    are not pulled to zero. What is no number is left out of it.

    Args:
        weight: How much of the average stays at each point, 0 (nothing is smoothed) to less than 1.
    """

    def __init__(self, *, weight: float):
        assert 0 <= weight < 1
        self.weight = weight
        self._begin_anew(0)

    def update(self, series: Series) -> "array[float]":
        """The averages of all points, NaN where the point is."""
        if series.rewrites != self._rewrites or len(series) < len(self._averages):
            self._begin_anew(series.rewrites)
        weight, rest = self.weight, 1 - self.weight
        total, mass = self._total, self._mass
        for value in series.values[len(self._averages) :]:
            if value == value:
                total = weight * total + rest * value
                mass = weight * mass + rest
                value = total / mass
            self._averages.append(value)
        self._total, self._mass = total, mass
        return self._averages

    def _begin_anew(self, rewrites: int) -> None:
        self._rewrites = rewrites
        self._averages: array[float] = array("d")
        self._total = self._mass = 0.0
