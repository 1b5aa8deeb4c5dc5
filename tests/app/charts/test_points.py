import math

import numpy as np
import pytest

from app.charts.figure import LINES, MARKS, TOLD
from app.charts.points import FEW, TOLD_OF, Line, tables
from specdet.runs.metrics import Series


def line(values, *, name="loss", steps=None, times=None, **fields):
    series = Series()
    for place, value in enumerate(values):
        step = steps[place] if steps else 10 * (place + 1)
        series.put(step, value, time=times[place] if times else 1800.0 * place)
    return Line.of(series, np.arange(len(series)), name=name, **fields)


def rows(table, *names):
    return list(zip(*(table[name].to_pylist() for name in names), strict=True))


def test_each_point_stands_where_its_axis_says():
    one = line([1.0, 2.0], steps_an_epoch=40)
    assert rows(tables([one], axis="step")[LINES], "x", "y", "name") == [(10, 1, "loss"), (20, 2, "loss")]
    assert rows(tables([one], axis="epoch")[LINES], "x") == [(0.25,), (0.5,)]
    assert rows(tables([one], axis="time")[LINES], "x") == [(0.0,), (0.5,)]
    assert rows(tables([one], axis="time", unit="minutes")[LINES], "x") == [(0.0,), (30.0,)]


def test_before_an_epoch_is_over_nothing_has_a_place_on_its_axis():
    assert rows(tables([line([1.0])], axis="epoch")[LINES], "x") == [(None,)]


def test_what_is_not_finite_is_a_gap_with_a_mark():
    found = tables([line([1.0, math.nan])], axis="step")
    assert rows(found[LINES], "x", "y") == [(10, 1), (20, None)]
    assert (20, "bad") in rows(found[MARKS], "x", "kind")


def test_a_log_scale_has_no_place_for_what_is_not_above_zero():
    assert rows(tables([line([0.0, -1.0, 2.0])], axis="step", log=True)[LINES], "y") == [(None,), (None,), (2,)]


def test_the_best_is_marked_where_it_was_measured_not_where_the_average_is():
    from array import array

    found = tables([line([1.0, 3.0, 2.0], averages=array("d", [1.0, 2.0, 2.0]), best=1)], axis="step")
    assert rows(found[LINES], "y", "raw") == [(1, 1), (2, 3), (2, 2)]
    assert [(x, y) for x, y, kind in rows(found[MARKS], "x", "y", "kind") if kind == "best"] == [(20, 3)]


@pytest.mark.parametrize(("count", "dots"), [(FEW, FEW), (FEW + 1, 0)])
def test_few_points_are_drawn_as_points(count, dots):
    found = tables([line([1.0] * count)], axis="step")
    assert found[MARKS]["kind"].to_pylist().count("dot") == dots


def test_of_many_points_some_tell_of_themselves_the_last_among_them():
    told = tables([line([float(value) for value in range(5000)])], axis="step")[TOLD]
    assert len(told) <= TOLD_OF and told["step"].to_pylist()[-1] == 50_000


def test_what_is_told_is_short_and_called_as_it_is_shown():
    from array import array

    one = line([1.23456789, 2.0], averages=array("d", [1.5, 1.75]), steps_an_epoch=40)
    told = tables([one], axis="epoch")[TOLD]
    assert told.to_pylist()[0] == {"epoch": 0.25, "step": 10, "value": 1.5, "measured": 1.2346, "name": "loss"}
    assert tables([line([1.0])], axis="step")[TOLD].to_pylist() == [{"step": 10, "value": 1.0, "name": "loss"}]


def test_lines_keep_their_order_and_names_that_are_equal_in_part():
    found = tables([line([1.0], name="b"), line([2.0], name="a")], axis="step")[LINES]
    assert rows(found, "name", "y") == [("b", 1), ("a", 2)]


def test_numbers_beyond_what_a_browser_is_sent_are_the_largest_there_is():
    found = tables([line([1e300, -1e300], steps=[2**40, 2**41])], axis="step")
    assert all(math.isfinite(y) for (y,) in rows(found[LINES], "y"))
    assert found[TOLD]["step"].to_pylist()[-1] == 2**31 - 1


def test_no_lines_are_empty_tables():
    assert all(len(table) == 0 for table in tables([], axis="step").values())
