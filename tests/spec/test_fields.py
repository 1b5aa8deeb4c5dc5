import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specdet.spec.fields import Meta, range_problems, range_text

BOUNDS = st.none() | st.integers(-5, 5)


@given(st.builds(Meta, help=st.just(""), ge=BOUNDS, le=BOUNDS, gt=st.none(), lt=st.none()), st.integers(-9, 9))
def test_closed_ranges_hold_their_ends(meta, value):
    inside = (meta.ge is None or value >= meta.ge) and (meta.le is None or value <= meta.le)
    assert (not list(range_problems(meta, value))) == inside


@given(st.integers(-3, 3))
def test_open_ranges_leave_their_ends_out(value):
    assert (not list(range_problems(Meta(help="", gt=-1, lt=2), value))) == (-1 < value < 2)


@pytest.mark.parametrize(
    ("bounds", "text"),
    [
        ({"gt": 0, "le": 1}, "0 < x <= 1"),
        ({"ge": 1}, "at least 1"),
        ({"gt": 0}, "above 0"),
        ({"le": 1}, "at most 1"),
        ({"lt": 1}, "below 1"),
        ({}, ""),
    ],
)
def test_ranges_in_words(bounds, text):
    assert range_text(Meta(help="", **bounds)) == text


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_numbers_are_finite(value):
    ((path, text),) = range_problems(Meta(help=""), value)
    assert (path, "finite" in text) == ((), True)


def test_a_switch_is_not_a_number():
    assert not list(range_problems(Meta(help="", ge=5), True))


def test_each_number_of_an_array_is_judged_where_it_stands():
    meta = Meta(help="", gt=0, min_length=1)
    assert list(range_problems(meta, ((1, 0), (-1, 2)))) == [
        (("0", "1"), "must be above 0, got 0"),
        (("1", "0"), "must be above 0, got -1"),
    ]
    assert list(range_problems(meta, ((),))) == [(("0",), "needs at least 1 item, got 0")]
