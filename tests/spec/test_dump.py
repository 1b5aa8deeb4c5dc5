from typing import ClassVar

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from specdet.spec import Spec, component, field, spec
from specdet.spec.dump import dumps, to_table
from specdet.spec.structure import structure


@spec
class LeafSpec(Spec):
    numbers: tuple[float, ...] = field((), help="Numbers.")
    text: str = field("", help="Text.")
    limit: int | None = field(None, help="A limit, or none.")


@spec
class TreeSpec(Spec):
    leaf: LeafSpec = field(factory=LeafSpec, help="A table.")
    loss: Spec = component("loss", default={"type": "L1"}, help="A component.")
    hooks: dict[str, Spec] = component("hook", default={}, help="Keyed components.")
    necks: Spec | tuple[Spec, ...] | None = component("neck", default=None, help="One or a list.")


@spec
class HomemadeSpec(Spec):
    builds: ClassVar[str] = "nowhere:Nothing"


TREES = st.builds(
    TreeSpec,
    leaf=st.builds(
        LeafSpec,
        numbers=st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=3).map(tuple),
        text=st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=8),
        limit=st.none() | st.integers(-(2**31), 2**31),
    ),
    loss=st.sampled_from([{"type": "L1", "weight": 2.0}, {"type": "SmoothL1", "beta": 0.5}]),
    hooks=st.dictionaries(st.sampled_from(["a", "b", "c"]), st.just({"type": "TextLog"}), max_size=2),
    necks=st.sampled_from([None, {"type": "FPN"}]) | st.just([{"type": "FPN"}, {"type": "FPN", "out_channels": 8}]),
)


@given(TREES)
def test_what_is_written_reads_back_as_the_same_spec(tree):
    assert structure(tomli.loads(dumps(to_table(tree))), TreeSpec) == tree


def test_every_default_is_said_and_what_is_absent_is_not():
    table = to_table(TreeSpec())
    assert table["leaf"] == {"numbers": [], "text": ""}
    assert table["loss"]["type"] == "L1"
    assert "necks" not in table


def test_a_class_without_a_tag_cannot_be_written():
    with pytest.raises(ValueError, match="HomemadeSpec was given from Python"):
        to_table(TreeSpec(loss=HomemadeSpec()))
