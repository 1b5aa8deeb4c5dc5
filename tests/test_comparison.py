"""What `specdet compare` does not say of comparisons; see tests/verbs/test_compare.py."""

import json

import pytest
import tomli
from hypothesis import given, settings
from hypothesis import strategies as st

from specdet.comparison import compare
from specdet.spec import SpecError
from specdet.spec.diff import ABSENT
from specdet.spec.dump import dumps
from tests.runs.made import made


def run(root, name, spec, **progress):
    directory = made(root, name, progress=progress)
    (directory / "spec.toml").write_text(spec)
    return directory


def test_values_are_those_of_each_run_in_the_order_given(tmp_path):
    a = run(tmp_path, "a", "seed = 1\n[optimizer]\nlr = 0.1\n")
    b = run(tmp_path, "b", "seed = 1\n[optimizer]\nlr = 0.1\n[hooks.ema]\ndecay = 0.9\n")
    c = run(tmp_path, "c", "seed = 2\n[optimizer]\nlr = 0.1\n")
    assert compare([a, b, c]).differences == {
        ("hooks", "ema", "decay"): (ABSENT, 0.9, ABSENT),
        ("seed",): (1, 1, 2),
    }
    assert [each.id for each in compare([c, a]).runs] == ["c", "a"]
    assert compare([c, a]).differences == {("seed",): (2, 1)}


def test_one_run_differs_from_nothing(tmp_path):
    assert compare([run(tmp_path, "a", "seed = 1\n")]).differences == {}


def test_a_table_in_place_of_a_value_has_no_value_below(tmp_path):
    a, b = run(tmp_path, "a", "x = 1\n"), run(tmp_path, "b", "[x]\ny = 2\n")
    found = compare([a, b]).differences
    assert found and all(len(values) == 2 for values in found.values())
    assert found.get(("x", "y"), (ABSENT, 2)) == (ABSENT, 2)


def test_metrics_of_any_run_are_named_once(tmp_path):
    a = run(tmp_path, "a", "", last={"loss": 1.0}, best={"bbox/AP": {"value": 0.5, "iter": 1}})
    b = run(tmp_path, "b", "", last={"loss": None, "lr": 0.1}, best={"bbox/AP": {"value": 0.6, "iter": 2}})
    assert compare([a, b]).metrics == ["bbox/AP", "loss", "lr"]


@pytest.mark.parametrize("content", [None, b"\xff", b"["])
def test_a_spec_that_cannot_be_read_is_named(tmp_path, content):
    a, b = run(tmp_path, "a", ""), made(tmp_path, "b")
    if content is not None:
        (b / "spec.toml").write_bytes(content)
    with pytest.raises(SpecError, match=r"b/spec\.toml"):
        compare([a, b])


tables = st.dictionaries(
    st.sampled_from("ab"), st.integers(0, 2) | st.dictionaries(st.sampled_from("cd"), st.integers(0, 2)), max_size=2
)


@settings(deadline=None)
@given(one=tables, other=tables)
def test_what_differs_is_what_is_not_the_same(tmp_path_factory, one, other):
    root = tmp_path_factory.mktemp("runs")
    texts = [dumps(one), dumps(other)]
    found = compare([run(root, name, text) for name, text in zip(("one", "other"), texts, strict=True)]).differences
    assert bool(found) == (json.dumps(tomli.loads(texts[0])) != json.dumps(tomli.loads(texts[1])))
    for path, values in found.items():
        assert values[0] != values[1]
        if path[-1] != "order":
            assert values == (_at(one, path), _at(other, path))


def _at(table, path):
    for key in path:
        table = table.get(key, ABSENT) if isinstance(table, dict) else ABSENT
    return table
