import json
from pathlib import Path
from typing import Literal

import jsonschema
import pytest
import tomli
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from specdet.experiment import Experiment, load
from specdet.registry import COMPONENTS
from specdet.spec import Spec, SpecError, component, field, spec
from specdet.spec.compose import shipped_specs
from specdet.spec.dump import dumps
from specdet.spec.fields import Meta
from specdet.spec.manual.description import Kind, describe_family, describe_spec
from specdet.spec.manual.json_schema import editor_schema
from specdet.spec.secret import Secret
from specdet.spec.structure import structure_component
from tests.spec.tables import changed

SCHEMAS = {extends: editor_schema(Experiment, extends=extends) for extends in (False, True)}
SHIPPED = sorted(shipped_specs().rglob("*.toml"))


@spec
class Nested(Spec):
    """A neck that may hold another."""

    inner: Spec | None = component("neck", default=None, help="The other.")


@spec
class Root(Spec):
    """A whole spec."""

    neck: Spec = component("neck", default={"type": "FPN"}, help="One.")
    token: Secret | None = field(None, help="A password.")
    level: Literal[1, 2] = field(1, reference=True, help="A choice of numbers, or a reference.")
    where: Path | str = field("a", help="Two types of text.")
    side: Literal["a.b", "c"] | int = field(1, help="Two texts, or a number.")


def errors(table, schema):
    return [error.message for error in jsonschema.Draft7Validator(schema).iter_errors(table)]


def keywords(schema):
    if isinstance(schema, dict):
        yield from schema
    for inside in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from keywords(inside)


@pytest.mark.parametrize("extends", [False, True])
def test_the_schema_is_one(extends):
    jsonschema.Draft7Validator.check_schema(SCHEMAS[extends])


@pytest.mark.parametrize("extends", [False, True])
def test_it_leaves_out_what_editors_report_badly(extends):
    assert not {"oneOf", "anyOf", "$ref", "unevaluatedProperties"} & set(keywords(SCHEMAS[extends]))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(shipped_specs())))
def test_every_shipped_spec_fits(path):
    table = tomli.loads(path.read_text(encoding="utf-8"))
    assert not errors(table, SCHEMAS[True])
    if "extends" not in table and "base" not in path.parts:
        assert not errors(table, SCHEMAS[False])


def test_an_editor_shows_help_type_default_and_condition_of_a_key():
    shown = SCHEMAS[False]["properties"]["model"]["properties"]["backbone"]["properties"]["zero_init_residual"]
    help, *rest = shown["description"].split("\n\n")
    assert help.startswith("Start each block as the identity")
    assert rest[:2] == ["Type: true or false.", "Default: false."]
    assert rest[2].startswith('It matters only where norm is "BN", "GN" or "SyncBN" and weights is "none"')
    assert (shown["title"], shown["default"]) == ("zero_init_residual", False)


def test_an_editor_shows_what_each_tag_is():
    shown = SCHEMAS[False]["properties"]["optimizer"]["properties"]["type"]["description"]
    assert "SGD: Stochastic gradient descent with momentum." in shown


def test_an_editor_shows_what_each_tag_says_of_a_key_that_they_share():
    shown = SCHEMAS[False]["properties"]["optimizer"]["properties"]["lr"]
    assert "SGD: Learning rate" in shown["description"] and "Adam, AdamW, RAdam: Learning rate" in shown["description"]
    assert (shown["type"], shown["exclusiveMinimum"]) == ("number", 0)
    assert "default" not in shown


# -- the same verdict as the check


FINE = [
    ("seed", 5),
    ("model.neck", [{"type": "FPN"}, {"type": "FPN", "out_channels": 64}]),
    ("model.rpn_head.loss_box", {"weight": 2}),
    ("model.rpn_head.anchors.sizes", [[8], [16.5], [32]]),
    ("data.train", {"a": {"type": "Shapes", "count": 900}, "b": {"type": "Shapes", "count": 90}, "order": ["b", "a"]}),
    ("data.train_transforms.x", {"type": "Resize", "long_side": "any"}),
    ("data.train_transforms.x", {"type": "Resize", "long_side": 5, "short_side": [1, 2], "pick": "range"}),
    ("data.val_transforms.x", {"type": "Resize", "short_side": [64]}),
    ("optimizer.betas", [0.5, 0]),
    ("optimizer.rules", {"x": {"pattern": "*.bias", "lr_factor": 0}}),
    ("schedule", {}),
    ("train.workflow", [["train", 2], ["val", 1]]),
    ("train.threads_per_process", 3),
    ("hooks.order", ["log", "optimizer", "evaluate", "checkpoint", "events"]),
    ("hooks.optimizer", {"grad_clip": {"max_norm": 1}}),
    ("hooks.ema", {"type": "EMA", "enabled": False}),
    ("unset", ["hooks.log"]),
    ("plugins", []),
]
WRONG = [
    ("sed", 5),
    ("seed", -1),
    ("seed", "5"),
    ("seed", True),
    ("spec", 2),
    ("model", None),
    ("model.type", None),
    ("model.type", "RPM"),
    ("model.backbone.depth", 19),
    ("model.backbone.depht", 18),
    ("model.backbone.out_stages", []),
    ("model.backbone.out_stages", [2, 5]),
    ("model.neck", [{"type": "FPM"}]),
    ("model.neck", [{"out_channels": 64}]),
    ("model.neck", 3),
    ("model.rpn_head.loss_box", {"type": "GIoU", "beta": 1.0}),
    ("model.rpn_head.anchors.sizes", [[8], [], [32]]),
    ("model.train.averag", "sampled"),
    ("data.train.count", None),
    ("data.train", {"a": {"type": "Shapes"}}),
    ("data.train", {"a": {"type": "Shapes", "count": 9}, "order": "a"}),
    ("data.train_transforms.flip.probability", 1.5),
    ("data.train_transforms.x", {"type": "Resize", "long_side": "some"}),
    ("data.train_transforms.x", {"type": "Resize", "long_side": 0}),
    ("data.val_transforms.x", {"type": "Resize", "short_side": {"reff": "data.size"}}),
    ("data.root", ""),
    ("optimizer", {"type": "SGD"}),
    ("optimizer.betas", [0.5]),
    ("optimizer.betas", [0.5, 1]),
    ("optimizer.rules", {"x": {"lr_factor": 1.0}}),
    ("schedule.milestones", [3]),
    ("train.workflow", [["trian", 2]]),
    ("train.workflow", [["train"]]),
    ("train.log_every.iters", 0),
    ("hooks.checkpoint.keep_lst", 3),
    ("hooks.checkpoint.keep_last", "some"),
    ("hooks.mine", {}),
    ("unset", "hooks.log"),
    ("plugins", [3]),
]


@pytest.mark.parametrize(
    ("path", "value", "fine"),
    [*((path, value, True) for path, value in FINE), *((path, value, False) for path, value in WRONG)],
    ids=lambda each: json.dumps(each)[:40] if not isinstance(each, str) else each,
)
def test_the_schema_and_the_check_agree(path, value, fine, tmp_path):
    table = changed(path, value)
    file = tmp_path / "spec.toml"
    file.write_text(dumps(table), encoding="utf-8")
    try:
        load(file)
    except SpecError as error:
        assert not fine, error
    else:
        assert fine
    assert (not errors(table, SCHEMAS[False])) == fine


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"optimizer": {"lr": 0.1, "momentum": 0.5, "betas": [0, 0]}}, None),  # one of the optimizers that a base has
        ({"model": {"rpn_head": {"loss_box": {"beta": 0.5}}}}, None),
        ({"data": {"train": {"count": 3}}}, None),
        ({"data": {"train": {"extra": {"count": 3}}}}, None),
        ({"hooks": {"log": {"folder": "tb"}}}, None),
        ({"optimizer": {"lr": "fast"}}, "'fast' is not of type 'number'"),
        ({"optimizer": {"lr": 0}}, "0 is less than or equal to the minimum of 0"),
        ({"optimizer": {"speed": 0.1}}, "'speed' was unexpected"),
        ({"optimizer": {"type": "SGD", "betas": [0, 0]}}, "'betas' was unexpected"),
        ({"data": {"train": {"extra": {"cont": 3}}}}, "'cont' was unexpected"),
        ({"schedule": {"by": "epoche"}}, "'epoche' is not one of ['epoch', 'iter']"),
        ({"hooks": {"checkpoint": {"every": {"epoch": 3}}}}, "'epoch' was unexpected"),
    ],
)
def test_a_spec_that_extends_is_held_to_what_is_sure(table, message):
    found = errors(table, SCHEMAS[True])
    assert (not found) if message is None else any(message in each for each in found), found


def test_components_from_elsewhere_stand_beside_ours():
    components = {**COMPONENTS, "neck": {**COMPONENTS["neck"], "mine:Nested": Nested}}
    schema = editor_schema(Root, components=components)
    assert not errors({"neck": {"type": "mine:Nested"}}, schema)
    assert errors({"neck": {"type": "mine:Nested", "out_channels": 64}}, schema)
    assert errors({"neck": {"type": "mine:Nested"}}, editor_schema(Root))


def test_a_component_may_hold_its_own_family_without_end():
    deep = {"type": "mine:Nested", "inner": {"type": "mine:Nested", "inner": {"type": "mine:Nested"}}}
    assert not errors({"neck": deep}, editor_schema(Root, components={"neck": {"mine:Nested": Nested}}))


def test_a_secret_is_named_and_never_said():
    assert not errors({"token": {"env": "TOKEN"}}, editor_schema(Root))
    for wrong in ("hunter2", {}, {"env": 5}, {"env": "TOKEN", "value": "hunter2"}):
        assert errors({"token": wrong}, editor_schema(Root))


@pytest.mark.parametrize(
    ("key", "fine", "wrong"),
    [
        ("level", [1, 2, {"ref": "side"}], ["1", {"rf": "side"}]),
        ("where", ["b"], [1]),
        ("side", ["a.b", "c", 7], ["axb", "cc", 0.5]),
    ],
)
def test_types_beside_one_another(key, fine, wrong):
    schema = editor_schema(Root)
    assert not [value for value in fine if errors({key: value}, schema)]
    assert all(errors({key: value}, schema) for value in wrong)


# -- laws


def example_of(value, meta):
    """Values of a type, in their range."""
    low = meta.ge if meta.ge is not None else meta.gt
    high = meta.le if meta.le is not None else meta.lt
    inside = {"exclude_min": meta.gt is not None, "exclude_max": meta.lt is not None}
    match value.kind:
        case Kind.BOOL:
            return st.booleans()
        case Kind.INT:
            first = int(low or 0) + (meta.gt is not None)
            return st.integers(first, first + 9 if high is None else int(high) - (meta.lt is not None))
        case Kind.FLOAT:
            return st.floats(low, high, allow_nan=False, allow_infinity=False, **inside) | st.just(1)
        case Kind.CHOICE:
            return st.sampled_from(value.choices)
        case Kind.ARRAY:
            return st.lists(example_of(value.item, meta), min_size=meta.min_length, max_size=4)
        case Kind.TUPLE:
            return st.tuples(*(example_of(part, meta) for part in value.parts)).map(list)
        case Kind.UNION:
            return st.one_of(*(example_of(part, meta) for part in value.parts))
        case Kind.KEYED:
            return st.dictionaries(st.sampled_from("abc"), example_of(value.item, Meta(help="")), max_size=2)
        case Kind.TABLE:
            return tables(describe_spec(value.spec_class))
        case Kind.COMPONENT:
            return st.sampled_from([{"type": tag} for tag in COMPONENTS[value.family]])
    return st.sampled_from(["a", "some/where", "train"])


ODD = st.sampled_from([True, -1, 0, 1.5, "", "x", [], [0], [[1]], {}, {"ref": "a.b"}, {"type": "FPN"}])


def tables(description):
    """Tables of a class: the required keys, and any of the others, which may hold something odd."""
    content = {each.name: example_of(each.value, each.meta) for each in description.fields}
    required = {each.name: content.pop(each.name) for each in description.fields if each.required}
    tag = {"type": st.just(description.tag)} if description.tag else {}
    odd = {name: example | ODD for name, example in content.items()}
    return st.fixed_dictionaries({**tag, **required}, optional=content) | st.fixed_dictionaries(
        {**tag, **required}, optional=odd
    )


HOLDERS = {}
for family in COMPONENTS:

    @spec
    class Holder(Spec):
        """Holds one component."""

        held: Spec = component(family, help="It.")

    HOLDERS[family] = {extends: editor_schema(Holder, extends=extends) for extends in (False, True)}


@pytest.mark.parametrize("family", COMPONENTS)
@settings(suppress_health_check=[HealthCheck.filter_too_much])  # rules between fields refuse many a detector
@given(data=st.data())
def test_what_the_check_takes_fits(family, data):
    described = {each.tag: each for each in describe_family(family)}
    table = data.draw(st.sampled_from([*described]).flatmap(lambda tag: tables(described[tag])))
    try:
        structure_component(table, family=family)
    except SpecError:
        assume(False)
    assert not errors({"held": table}, HOLDERS[family][False])
    # In a spec that extends, any part of it may be said elsewhere.
    part = {key: value for key, value in table.items() if data.draw(st.booleans())}
    assert not errors({"held": part}, HOLDERS[family][True])
