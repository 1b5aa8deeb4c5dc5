"""Thinning, against the plain law: of each cell the first, last, lowest and highest point, and the first gap."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.charts.thin import Thinned, width_for
from specdet.runs.metrics import Series

values = st.one_of(st.floats(-5, 5), st.just(math.nan), st.integers(-2, 2).map(float))
points = st.lists(st.tuples(st.integers(1, 40), values), max_size=120)  # how many steps on, and the value


def series_of(rows):
    series, step = Series(), 0
    for on, value in rows:
        step += on
        series.put(step, value)
    return series


def expected(series, width):
    cells = {}
    for place, step in enumerate(series.steps):
        cells.setdefault(step // width, []).append(place)
    kept = set()
    for places in cells.values():
        kept |= {places[0], places[-1]}
        finite = [place for place in places if not math.isnan(series.values[place])]
        if finite:
            kept.add(min(finite, key=lambda place: series.values[place]))
            kept.add(max(finite, key=lambda place: (series.values[place], -place)))
        kept |= {*[place for place in places if math.isnan(series.values[place])][:1]}
    return sorted(kept)


@given(points, st.integers(2, 20))
def test_each_cell_keeps_its_first_last_lowest_highest_and_its_first_gap(rows, limit):
    series, thinned = series_of(rows), Thinned(limit=limit)
    found = thinned.update(series)
    assert list(found) == expected(series, thinned.width)
    assert len({step // thinned.width for step in series.steps}) <= limit


@given(points, st.integers(2, 20), st.lists(st.integers(1, 30), max_size=12))
def test_points_that_come_in_pieces_are_thinned_as_if_they_came_at_once(rows, limit, pieces):
    series, thinned, step, begin = Series(), Thinned(limit=limit), 0, 0
    for piece in [*pieces, len(rows)]:
        for on, value in rows[begin : begin + piece]:
            step += on
            series.put(step, value)
        begin += piece
        found = thinned.update(series)
        assert list(found) == expected(series, thinned.width)
    assert thinned.width == width_for(np.array(series.steps, np.int64), limit=limit)


@given(points, points, st.integers(2, 20))
def test_what_is_shown_stays_where_it_is_while_cells_stay_as_wide(rows, more, limit):
    series, thinned = series_of(rows), Thinned(limit=limit)
    before, width = thinned.update(series), thinned.width
    open_cell = series.steps[-1] // width if rows else -1
    step = series.steps[-1] if rows else 0
    for on, value in more:
        step += on
        series.put(step, value)
    after = thinned.update(series)
    if thinned.width == width:
        closed = [place for place in before if series.steps[place] // width < open_cell]
        assert list(after[: len(closed)]) == closed


@given(points, st.integers(0, 400), points, st.integers(2, 20))
def test_a_series_that_went_back_is_thinned_anew(rows, step, more, limit):
    series, thinned = series_of(rows), Thinned(limit=limit)
    thinned.update(series)
    series.cut(step)
    at = series.steps[-1] if len(series) else 0
    for on, value in more:
        at += on
        series.put(at, value)
    assert list(thinned.update(series)) == expected(series, thinned.width)


def test_nothing_is_nothing():
    assert len(Thinned().update(Series())) == 0


@pytest.mark.parametrize(("count", "width"), [(1, 1), (4, 1), (5, 2), (8, 2), (9, 4), (33, 16)])
def test_cells_are_as_wide_as_the_smallest_power_of_two_that_will_do(count, width):
    assert width_for(np.arange(count), limit=4) == width
