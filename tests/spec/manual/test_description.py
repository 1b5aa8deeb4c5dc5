import re
from pathlib import Path
from typing import Literal

import attrs
import pytest

from specdet.experiment import Experiment
from specdet.registry import COMPONENTS
from specdet.spec import Spec, component, field, spec
from specdet.spec.fields import range_problems
from specdet.spec.manual.description import Kind, Shape, describe_family, describe_spec, type_field, walk_specs
from specdet.spec.secret import Secret

EVERY = [description for _, description in walk_specs(Experiment)]
each_class = pytest.mark.parametrize("description", [pytest.param(each, id=each.name) for each in EVERY])


@spec
class Inner(Spec):
    """What lies inside."""

    must: int = field(help="An integer.")
    may: int = field(2, help="Another.")


@spec
class Sample(Spec):
    """One of everything,
    over two lines.

    And more that is not the summary.
    """

    flag: bool = field(False, help="A switch.")
    count: int = field(3, ge=1, le=9, unit="px", help="A number.")
    share: float | None = field(None, ge=0, lt=1, help="A share.")
    name: str = field(help="A text.")
    file: Path = field(Path("a/b"), help="A path.")
    token: Secret | None = field(None, help="A secret.")
    mode: Literal["a", "b"] = field("a", advanced=True, depends_on={"flag": (True,)}, help="A choice.")
    sizes: tuple[int, ...] = field((1, 2), gt=0, min_length=1, help="An array.")
    pair: tuple[str, float] = field(("x", 0.5), help="A tuple.")
    areas: dict[str, tuple[float, float]] = field(factory=lambda: {"all": (0.0, 1.0)}, help="Keyed.")
    limit: int | Literal["any"] = field("any", ge=1, reference=True, help="A union.")
    inner: Inner = field(factory=lambda: Inner(must=1), help="A table.")
    twice: int = field(attrs.Factory(lambda self: 2 * self.count, takes_self=True), help="Twice the count.")
    one: Spec = component("neck", default={"type": "FPN"}, help="A component.")
    many: Spec | tuple[Spec, ...] | dict[str, Spec] | None = component("loss", default=None, help="Components.")


SAMPLE = {field.name: field for field in describe_spec(Sample).fields}


def test_the_summary_is_the_first_paragraph_of_the_docstring_on_one_line():
    assert describe_spec(Sample).summary == "One of everything, over two lines."


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("flag", Kind.BOOL),
        ("count", Kind.INT),
        ("share", Kind.FLOAT),
        ("name", Kind.TEXT),
        ("file", Kind.PATH),
        ("token", Kind.SECRET),
        ("mode", Kind.CHOICE),
        ("sizes", Kind.ARRAY),
        ("pair", Kind.TUPLE),
        ("areas", Kind.KEYED),
        ("limit", Kind.UNION),
        ("inner", Kind.TABLE),
        ("one", Kind.COMPONENT),
    ],
)
def test_each_type_is_of_one_kind(name, kind):
    assert SAMPLE[name].value.kind is kind


def test_every_kind_stands_in_the_sample():
    assert {field.value.kind for field in SAMPLE.values()} == set(Kind)


def test_what_lies_inside_a_type_is_described_too():
    assert SAMPLE["mode"].value.choices == ("a", "b")
    assert SAMPLE["sizes"].value.item.kind is Kind.INT
    assert [part.kind for part in SAMPLE["pair"].value.parts] == [Kind.TEXT, Kind.FLOAT]
    assert [part.kind for part in SAMPLE["areas"].value.item.parts] == [Kind.FLOAT, Kind.FLOAT]
    assert [part.kind for part in SAMPLE["limit"].value.parts] == [Kind.INT, Kind.CHOICE]
    assert SAMPLE["inner"].value.spec_class is Inner


def test_the_annotation_says_in_which_shapes_components_come():
    assert (SAMPLE["one"].value.family, SAMPLE["one"].value.shapes) == ("neck", (Shape.ONE,))
    assert SAMPLE["many"].value.shapes == (Shape.ONE, Shape.LIST, Shape.KEYED)


@pytest.mark.parametrize(
    ("name", "default"),
    [
        ("flag", False),
        ("share", None),
        ("file", "a/b"),
        ("pair", ["x", 0.5]),
        ("areas", {"all": [0.0, 1.0]}),
        ("inner", {"must": 1}),
        ("one", {"type": "FPN"}),
    ],
)
def test_defaults_are_plain_toml(name, default):
    assert SAMPLE[name].default == default
    assert not SAMPLE[name].required


def test_a_field_without_a_default_is_required_and_one_with_a_rule_is_derived():
    assert [name for name, field in SAMPLE.items() if field.required] == ["name"]
    assert [name for name, field in SAMPLE.items() if field.derived] == ["twice"]


@pytest.mark.parametrize(
    ("name", "type_text", "default_text"),
    [
        ("count", "a whole number, 1 <= x <= 9, in px", "3"),
        ("share", "a number, 0 <= x < 1", "not given"),
        ("name", "text", "required"),
        ("sizes", "an array, each a whole number, each above 0, at least 1 item", "[1, 2]"),
        ("twice", "a whole number", "derived"),
        ("one", "a component (neck)", '{ type = "FPN" }'),
        ("many", "a component, or an array of components, or keyed components (loss)", "not given"),
    ],
)
def test_fields_in_words(name, type_text, default_text):
    assert SAMPLE[name].type_text == type_text
    assert SAMPLE[name].default_text == default_text


@pytest.mark.parametrize(
    ("depends_on", "text"),
    [
        (None, ""),
        ({"flag": (True,)}, "only where flag is true"),
        ({"mode": ("a", "b", "c")}, 'only where mode is "a", "b" or "c"'),
        ({"share": (None,), "count": (2, 3, 4, 5)}, "only where share is not given and count is 2 to 5"),
        ({"depth": (18, 34, 50, 101)}, "only where depth is 18, 34, 50 or 101"),
    ],
)
def test_conditions_in_words(depends_on, text):
    described = attrs.evolve(SAMPLE["count"], meta=attrs.evolve(SAMPLE["count"].meta, depends_on=depends_on))
    assert described.condition_text == text


def test_a_component_from_elsewhere_is_described_as_ours_are():
    components = {"loss": {**COMPONENTS["loss"], "mine:Sample": Sample}}
    described = {each.tag: each for each in describe_family("loss", components=components)}
    assert list(described) == [*COMPONENTS["loss"], "mine:Sample"]
    assert described["mine:Sample"].field("count") == SAMPLE["count"]
    assert type_field("loss", components=components).value.choices == tuple(described)


def test_walking_a_spec_meets_every_component_of_the_registry_once():
    met = [(description.family, description.tag) for description in EVERY if description.tag]
    assert sorted(met) == sorted((family, tag) for family, tags in COMPONENTS.items() for tag in tags)


# -- what must be so of every spec class that there is


@each_class
def test_every_class_says_in_one_sentence_what_it_is(description):
    assert description.spec_class.__doc__ is not description.spec_class.__base__.__doc__
    assert 10 < len(description.summary) < 120
    assert description.summary.endswith(".")


@each_class
def test_every_field_has_a_sentence_of_help(description):
    for each in description.fields:
        assert re.fullmatch(r"\S.{8,}\.", each.meta.help), each.name


def test_a_unit_has_one_name():
    units = {each.meta.unit for description in EVERY for each in description.fields} - {""}
    assert len({unit.lower().rstrip("s") or unit for unit in units}) == len(units), sorted(units)
    assert not any(unit.startswith("in ") or unit.endswith(".") for unit in units)


@each_class
def test_what_a_field_depends_on_stands_beside_it_and_may_have_those_values(description):
    for each in description.fields:
        for name, values in (each.meta.depends_on or {}).items():
            other = description.field(name)
            assert other is not None, f"{each.name} depends on {name}, which is no field"
            assert other is not each
            assert all(may_be(value, other) for value in values), f"{name} is never one of {values}"
            every = other.value.choices or ((True, False) if other.value.kind is Kind.BOOL else ())
            assert values and (not every or set(values) < set(every)), f"{name} is always one of {values}"


def may_be(value, described):
    if value is None:
        return not described.required and described.default is None
    if described.value.kind is Kind.CHOICE:
        return value in described.value.choices
    python_type = {Kind.BOOL: bool, Kind.INT: int, Kind.TEXT: str}[described.value.kind]
    return type(value) is python_type and not [*range_problems(described.meta, value)]


@each_class
def test_a_default_is_among_the_choices_and_within_the_range(description):
    for each in description.fields:
        if each.default is not None:
            assert each.value.kind is not Kind.CHOICE or each.default in each.value.choices, each.name
            assert not [*range_problems(each.meta, each.default)], each.name
