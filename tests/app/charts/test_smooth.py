import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.charts.smooth import Smoothed
from specdet.runs.metrics import Series

numbers = st.lists(st.one_of(st.floats(-100, 100), st.just(math.nan)), max_size=40)
weights = st.sampled_from([0.0, 0.6, 0.9, 0.99])


def series_of(values):
    series = Series()
    for step, value in enumerate(values, start=1):
        series.put(step, value)
    return series


def expected(values, weight):
    """The weighted mean of all that came before, with weights that fall by `weight` a point."""
    found = []
    for place, value in enumerate(values):
        finite = [each for each in values[: place + 1] if not math.isnan(each)]
        powers = [weight ** (len(finite) - 1 - index) for index in range(len(finite))]
        found.append(value if math.isnan(value) else np.average(finite, weights=powers))
    return found


@given(numbers, weights)
def test_each_average_is_the_weighted_mean_of_the_points_so_far(values, weight):
    found = Smoothed(weight=weight).update(series_of(values))
    assert list(found) == pytest.approx(expected(values, weight), nan_ok=True, abs=1e-9)


@given(numbers, numbers, weights)
def test_points_that_come_later_change_no_average(values, more, weight):
    series, smoothed = series_of(values), Smoothed(weight=weight)
    smoothed.update(series)
    for value in more:
        series.put(len(series) + 1, value)
    assert list(smoothed.update(series)) == pytest.approx(expected([*values, *more], weight), nan_ok=True, abs=1e-9)


def test_a_series_that_went_back_is_averaged_anew():
    series, smoothed = series_of([1.0, 5.0, 9.0]), Smoothed(weight=0.9)
    smoothed.update(series)
    series.cut(1)
    series.put(2, 3.0)
    assert list(smoothed.update(series)) == pytest.approx(expected([1.0, 3.0], 0.9))
