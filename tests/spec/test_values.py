import datetime as dt
import enum
import math

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from specdet.spec import SpecError
from specdet.spec.values import same, toml_value, value_text

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ["'", "'''", '"""', "a\nb", "\r\n"]
)
ZONES = st.integers(-1439, 1439).map(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes)))
TIMES = st.datetimes(timezones=st.none() | ZONES) | st.dates() | st.times()
SCALARS = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | TEXTS | TIMES
KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=4)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=8)
LIKES = st.sampled_from(["", "1", "1e-3", "''", "'''\n'''", "'''x'''", '"""\n"""', '"""\r\n"""', "[1]", "[\n  1\n]"])


@given(VALUES, LIKES, st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_what_is_written_reads_back_as_the_same_value(value, like, newline, one_line):
    text = value_text(toml_value(value, ("x",)), like=like, newline=newline, one_line=one_line)
    assert same(tomli.loads(f"x = {text}\n")["x"], value)
    assert not one_line or "\n" not in text


DIFFERENT = [
    (1, 1.0),
    (1, True),
    (0.0, -0.0),
    (0.0, False),
    ("1", 1),
    ([1], [1, 1]),
    ([1], [1.0]),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ({"a": 1}, {"a": True}),
    (dt.date(2020, 1, 1), dt.datetime(2020, 1, 1)),
    (
        dt.datetime(2020, 1, 1, 12, tzinfo=dt.UTC),
        dt.datetime(2020, 1, 1, 13, tzinfo=dt.timezone(dt.timedelta(hours=1))),
    ),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_what_a_reader_can_tell_apart_is_not_the_same(one, other):
    assert not same(one, other)
    assert same(one, one)
    assert same(other, other)


def test_not_a_number_is_itself():
    assert same([math.nan], [float("nan")])


class Word(str, enum.Enum):  # noqa: UP042 - str() of it is not its value
    X = "x"


class Step(enum.IntEnum):
    ONE = 1


def test_what_only_looks_like_a_toml_value_becomes_one():
    value = toml_value((Word.X, Step.ONE, {Word.X: (1,)}), ("a",))
    assert value == ["x", 1, {"x": [1]}]
    assert [type(item) for item in value] == [str, int, dict]
    assert type(next(iter(value[2]))) is str


def test_a_value_is_copied():
    inner = [1]
    assert toml_value({"a": inner}, ("x",))["a"] is not inner


@pytest.mark.parametrize(
    "value",
    [
        dt.time(12, tzinfo=dt.UTC),
        dt.datetime(2020, 1, 1, tzinfo=dt.timezone(dt.timedelta(seconds=30))),
        b"x",
        1j,
        object(),
        dt.timedelta(1),
    ],
)
def test_what_toml_cannot_hold_is_refused(value):
    with pytest.raises(SpecError, match="TOML cannot"):
        toml_value(value, ("x",))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2e-05, "2e-5"),
        (1e22, "1e+22"),
        (float("-inf"), "-inf"),
        (dt.datetime(2020, 1, 2, 3, 4, tzinfo=dt.UTC), "2020-01-02T03:04:00Z"),
        ({"a b": [1, {}]}, '{ "a b" = [1, {}] }'),
        ("a\tb\\", '"a\\tb\\\\"'),
    ],
)
def test_values_are_written_as_people_do(value, text):
    assert value_text(value) == text
