from pathlib import Path

import pytest

from specdet.spec import Spec, SpecError, component, field, spec
from specdet.spec.dump import to_table
from specdet.spec.structure import structure


@spec
class PartSpec(Spec):
    size: int = field(3, ge=1, le=9, reference=True, help="A size.")
    names: tuple[str, ...] = field((), reference=True, help="Names.")
    first: str = field("", reference=True, help="A name.")
    plain: int = field(1, help="Takes no reference.")
    folder: Path | None = field(None, reference=True, help="A folder.")


@spec
class WholeSpec(Spec):
    one: PartSpec = field(factory=PartSpec, help="A part.")
    two: PartSpec = field(factory=PartSpec, help="Another.")
    losses: dict[str, Spec] = component("loss", default={}, help="Components.")
    text: str = field("", help="A text.")


def made(tree):
    return structure(tree, WholeSpec)


def problems(tree) -> list[str]:
    with pytest.raises(SpecError) as caught:
        made(tree)
    return [str(problem) for problem in caught.value.problems]


def test_a_reference_takes_what_stands_there():
    whole = made(
        {"one": {"size": 5, "names": ["a", "b"]}, "two": {"size": {"ref": "one.size"}, "names": {"ref": "one.names"}}}
    )
    assert whole.two.size == 5
    assert whole.two.names == ("a", "b")


def test_a_default_can_be_referred_to():
    assert made({"two": {"size": {"ref": "one.size"}}}).two.size == 3


def test_a_reference_may_lead_to_another_one():
    whole = made({"one": {"size": {"ref": "two.size"}}, "two": {"size": {"ref": "two.plain"}, "plain": 7}})
    assert whole.one.size == whole.two.size == 7


def test_an_item_of_an_array_can_be_referred_to():
    assert made({"one": {"names": ["x", "y"]}, "two": {"first": {"ref": "one.names.1"}}}).two.first == "y"


def test_a_reference_may_lead_into_what_another_one_gives():
    tree = {"one": {"names": {"ref": "two.names"}, "first": {"ref": "one.names.0"}}, "two": {"names": ["x"]}}
    assert made(tree).one.first == "x"


def test_the_resolved_spec_holds_the_value():
    whole = made({"one": {"size": 5}, "two": {"size": {"ref": "one.size"}}})
    assert to_table(whole)["two"] == {"size": 5, "names": [], "first": "", "plain": 1}
    assert list(to_table(whole)["two"]) == ["size", "names", "first", "plain"]


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ({"two": {"size": {"ref": "one.sise"}}}, "two.size: there is no one.sise to refer to (did you mean 'size'?)"),
        ({"two": {"size": {"ref": "text"}}, "text": "a"}, 'two.size: expected a whole number, got "a"'),
        ({"two": {"size": {"ref": "one.plain"}}, "one": {"plain": 10}}, "two.size: must be 1 <= x <= 9, got 10"),
        ({"two": {"plain": {"ref": "one.plain"}}}, "two.plain: a reference is not taken here: write the value itself"),
        (
            {"two": {"size": {"ref": 3}}},
            'two.size: expected the path of another value, as in { ref = "data.train" }, got 3',
        ),
        (
            {"two": {"size": {"ref": "a b"}}},
            'two.size: expected the path of another value, as in { ref = "data.train" }, got "a b"',
        ),
        ({"two": {"size": {"ref": "two.size"}}}, "two.size: refers to itself: two.size -> two.size"),
        ({"two": {"size": {"ref": "one.size.x"}}}, "two.size: there is no one.size.x to refer to"),
    ],
)
def test_a_wrong_reference_is_told_where_it_stands(tree, said):
    (text,) = problems(tree)
    assert text.startswith(said)


def test_a_ring_of_references_is_told_for_each():
    found = problems({"one": {"size": {"ref": "two.size"}}, "two": {"size": {"ref": "one.size"}}})
    assert found == [
        "one.size: refers to itself: one.size -> two.size -> one.size",
        "two.size: refers to itself: two.size -> one.size -> two.size",
    ]


def test_a_reference_to_a_wrong_value_adds_no_problem():
    assert problems({"one": {"size": "x"}, "two": {"size": {"ref": "one.size"}}}) == [
        'one.size: expected a whole number, got "x"'
    ]
