from hypothesis import given
from hypothesis import strategies as st

from specdet.spec.argument import Argument
from specdet.spec.merge import lookup, merge, walk

KEYS = st.sampled_from(["a", "b", "c", "d"])
TABLES = st.recursive(
    st.dictionaries(KEYS, st.integers(0, 3), max_size=3),
    lambda inner: st.dictionaries(KEYS, inner | st.integers(0, 3), max_size=3),
    max_leaves=8,
)


def test_tables_merge_deeply_and_arrays_replace():
    below = {"optimizer": {"lr": 0.1, "betas": [0.9, 0.999]}, "seed": 1}
    above = {"optimizer": {"betas": [0.5, 0.9]}}
    assert merge(below, above) == {"optimizer": {"lr": 0.1, "betas": [0.5, 0.9]}, "seed": 1}


def test_a_changed_type_drops_the_block():
    below = {"optimizer": {"type": "SGD", "momentum": 0.9}}
    assert merge(below, {"optimizer": {"type": "AdamW"}}) == {"optimizer": {"type": "AdamW"}}
    assert merge(below, {"optimizer": {"type": Argument("AdamW", "AdamW")}})["optimizer"].keys() == {"type"}


def test_the_same_type_keeps_the_block():
    below = {"optimizer": {"type": "SGD", "momentum": 0.9}}
    assert merge(below, {"optimizer": {"type": "SGD", "lr": 1.0}})["optimizer"]["momentum"] == 0.9


@given(TABLES, TABLES)
def test_every_plain_value_above_wins(below, above):
    merged = merge(below, above)
    for path, value in walk(above):
        if not isinstance(value, dict):
            assert lookup(merged, path) == value


@given(TABLES, TABLES)
def test_laying_a_table_over_twice_changes_nothing_more(below, above):
    assert merge(merge(below, above), above) == merge(below, above)
    assert merge(below, {}) == below
    assert merge({}, above) == above


@given(TABLES)
def test_merging_changes_neither_side(table):
    before = repr(table)
    merge(table, {"a": {"b": {"c": 1}}, "d": 2})
    assert repr(table) == before
