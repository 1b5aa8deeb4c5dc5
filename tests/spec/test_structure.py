from pathlib import Path
from typing import ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from specdet.registry import Registry
from specdet.spec import Problem, Spec, SpecError, component, field, spec
from specdet.spec.argument import Argument
from specdet.spec.compose import compose
from specdet.spec.structure import build_from_cfg, structure


@spec
class InnerSpec(Spec):
    count: int = field(1, ge=1, le=9, unit="boxes", help="How many.")
    mode: Literal["fast", "slow", 3] = field("fast", help="Which.")


@spec
class OuterSpec(Spec):
    lr: float = field(gt=0, help="Step size.")
    name: str = field("", help="A text.")
    flag: bool = field(False, help="A switch.")
    root: Path | None = field(None, help="A folder.")
    images: Path | None = field(None, relative_to="root", help="A folder under it.")
    sizes: tuple[int, ...] = field((1,), ge=1, min_length=1, help="Some numbers.")
    pair: tuple[float, str] = field((1.0, "a"), help="Two things.")
    threads: int | Literal["auto"] = field("auto", ge=1, help="A number or a word.")
    inner: InnerSpec = field(factory=InnerSpec, help="A table.")
    table: dict[str, int] = field(factory=dict, help="Numbers by name.")
    loss: Spec = component("loss", default={"type": "SmoothL1", "beta": 0.25}, help="A component.")
    necks: Spec | tuple[Spec, ...] | None = component("neck", default=None, help="One or a list.")
    hooks: dict[str, Spec] = component("hook", default={}, help="Keyed components.")

    def problems(self):
        if self.flag and self.name == "":
            yield Problem(path="flag", message="needs a name")


def problems(tree, **keywords) -> list[str]:
    with pytest.raises(SpecError) as caught:
        structure(tree, OuterSpec, **keywords)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("lr", "0.1", 'lr: expected a number, got "0.1"'),
        ("lr", True, "lr: expected a number, got true"),
        ("lr", 0, "lr: must be above 0, got 0"),
        ("lr", float("nan"), "lr: must be a finite number, got nan"),
        ("name", 5, "name: expected text, got 5"),
        ("flag", 1, "flag: expected true or false, got 1"),
        ("sizes", "abc", 'sizes: expected an array, each a whole number, got "abc"'),
        ("sizes", [1, 2.7], "sizes.1: expected a whole number, got 2.7"),
        ("sizes", [], "sizes: needs at least 1 item, got 0"),
        ("sizes", [4, 0], "sizes.1: must be at least 1, got 0"),
        ("pair", [1.0], "pair: expected an array of 2: a number; text, got 1 item"),
        ("threads", "atuo", 'threads: expected a whole number or "auto", got "atuo"'),
        ("threads", 0, "threads: must be at least 1, got 0"),
        ("inner", 3, "inner: expected a table, got 3"),
        ("inner", {"mode": "quick"}, 'inner.mode: expected one of "fast", "slow", 3, got "quick"'),
        (
            "inner",
            {"mode": "fats"},
            'inner.mode: expected one of "fast", "slow", 3, got "fats" (did you mean \'fast\'?)',
        ),
        ("table", {"a": "b"}, 'table.a: expected a whole number, got "b"'),
        ("loss", {"type": "SmoothL2"}, "loss.type: no loss is called 'SmoothL2' (did you mean 'SmoothL1'?)"),
        ("loss", {"btea": 1.0}, "loss.btea: SmoothL1 has no such key (did you mean 'beta'?)"),
        ("hooks", {"x": {}}, "hooks.x.type: is missing: which hook it is"),
        ("hooks", {"type": "EMA"}, "hooks.type: several can stand here, each under a name: say [hooks.NAME]"),
        ("hooks", {"x": 3}, "hooks.x: expected a table with a type, the hook called 'x', got 3"),
        ("unkown", 1, "unkown: a spec has no such key"),
    ],
)
def test_a_wrong_value_is_said_at_its_path(key, value, said):
    (text,) = problems({"lr": 0.1, key: value})
    assert text.startswith(said)


def test_all_problems_are_found_in_one_pass():
    found = problems(
        {"sizes": [0], "inner": {"count": 10, "x": 1}, "threads": 2.5, "loss": {"type": "L1", "beta": 1.0}}
    )
    assert {text.split(": ")[0] for text in found} == {
        "sizes.0",
        "inner.count",
        "inner.x",
        "threads",
        "loss.beta",
        "lr",
    }


def test_rules_between_fields_are_problems_too():
    (text,) = problems({"lr": 1.0, "flag": True})
    assert text == "flag: needs a name"


def test_a_mistake_in_one_field_hides_no_rule_between_others():
    assert problems({"lr": "fast", "flag": True}) == ['lr: expected a number, got "fast"', "flag: needs a name"]


def test_a_rule_about_a_wrong_value_says_nothing():
    assert problems({"lr": 1.0, "flag": True, "name": 3}) == ["name: expected text, got 3"]


def test_whole_numbers_have_64_bits():
    assert problems({"lr": 10**400}) == ["lr: is a number of more than 64 bits"]
    assert problems({"lr": 1.0, "sizes": [2**63]}) == ["sizes.0: is a number of more than 64 bits"]


def test_the_order_of_keyed_components_can_be_said():
    hooks = {"a": {"type": "TextLog"}, "b": {"type": "Events"}, "c": {"type": "EMA"}}
    made = structure({"lr": 1.0, "hooks": {**hooks, "order": ["c", "a"]}}, OuterSpec)
    assert list(made.hooks) == ["c", "a", "b"]
    assert made != structure({"lr": 1.0, "hooks": hooks}, OuterSpec)


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (["cc"], 'hooks.order.0: names nothing in this table: "cc" (known: long)'),
        (["lnog"], "hooks.order.0: names nothing in this table: \"lnog\" (did you mean 'long'?)"),
        (["long", "long"], 'hooks.order.1: "long" is named twice'),
        ([1], "hooks.order.0: names nothing in this table: 1"),
    ],
)
def test_an_order_names_what_is_there_once(order, said):
    assert problems({"lr": 1.0, "hooks": {"long": {"type": "TextLog"}, "order": order}}) == [said]


def part(tree):
    structure(tree, OuterSpec, partial=True)


def test_a_part_of_a_spec_may_leave_out_what_it_likes():
    assert problems({})  # as a whole spec it would lack something
    part({})
    part({"flag": True, "inner": {"count": 3}})
    part({"hooks": {"best": {"patience": 3}}})  # a key of some hook, whose type a later file says


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ({"inner": {"cuont": 3}}, "inner.cuont: [inner] has no such key (did you mean 'count'?)"),
        (
            {"hooks": {"best": {"patiense": 3}}},
            "hooks.best.patiense: no hook has such a key (did you mean 'patience'?)",
        ),
        ({"hooks": {"best": {"patience": "x"}}}, 'hooks.best.patience: expected a whole number, got "x"'),
        ({"loss": {"type": "GIUo"}}, "loss.type: no loss is called 'GIUo' (did you mean 'GIoU'?)"),
    ],
)
def test_what_a_part_does_say_must_be_right(tree, said):
    with pytest.raises(SpecError) as caught:
        part(tree)
    assert [str(problem) for problem in caught.value.problems] == [said]


def test_an_int_is_a_fine_float():
    lr = structure({"lr": 1}, OuterSpec).lr
    assert lr == 1.0
    assert type(lr) is float


def test_a_parents_default_fills_only_what_the_spec_leaves_out():
    assert structure({"lr": 1.0}, OuterSpec).loss.beta == 0.25
    assert structure({"lr": 1.0, "loss": {"weight": 2.0}}, OuterSpec).loss.beta == 0.25
    assert structure({"lr": 1.0, "loss": {"beta": 0.5}}, OuterSpec).loss.beta == 0.5
    assert not hasattr(structure({"lr": 1.0, "loss": {"type": "L1"}}, OuterSpec).loss, "beta")


def test_one_component_or_a_list_of_them():
    one = structure({"lr": 1.0, "necks": {"type": "FPN"}}, OuterSpec).necks
    many = structure({"lr": 1.0, "necks": [{"type": "FPN"}, {"type": "FPN", "out_channels": 8}]}, OuterSpec).necks
    assert one == many[0]
    assert many[1].out_channels == 8


def test_python_callers_get_the_same_checks():
    made = OuterSpec(lr=1.0, loss={"type": "L1"}, hooks={"log": {"type": "TextLog"}})
    assert made == structure({"lr": 1.0, "loss": {"type": "L1"}, "hooks": {"log": {"type": "TextLog"}}}, OuterSpec)
    with pytest.raises(SpecError, match="must be above 0"):
        OuterSpec(lr=-1.0)
    with pytest.raises(SpecError, match="did you mean 'SmoothL1'"):
        OuterSpec(lr=1.0, loss={"type": "SmoothL"})


def test_specs_are_frozen_and_compare_by_value():
    one, other = InnerSpec(count=2), InnerSpec(count=2)
    assert one == other
    assert hash(one) == hash(other)
    assert one != InnerSpec(count=3)
    with pytest.raises(AttributeError):
        one.count = 5


def test_paths_are_relative_to_the_file_that_wrote_them(tmp_path):
    (tmp_path / "base").mkdir()
    (tmp_path / "base/base.toml").write_text('images = "pictures"\nlr = 1.0')
    (tmp_path / "spec.toml").write_text('extends = ["base/base.toml"]')

    def paths(*overrides):
        composed = compose(tmp_path / "spec.toml", overrides)
        made = structure(composed.tree, OuterSpec, origins=composed.origins)
        return made.root, made.images

    assert paths() == (None, tmp_path / "base/pictures")
    assert paths("root=elsewhere") == (Path.cwd() / "elsewhere", Path.cwd() / "elsewhere/pictures")
    assert paths("root=/data", "images=/other") == (Path("/data"), Path("/other"))


def test_a_problem_names_the_file_or_argument_of_its_value(tmp_path):
    (tmp_path / "base.toml").write_text('lr = "fast"\nflag = 1')
    (tmp_path / "spec.toml").write_text('extends = ["base.toml"]\nflag = 2')
    composed = compose(tmp_path / "spec.toml", ["threads=no"])
    with pytest.raises(SpecError) as caught:
        structure(composed.tree, OuterSpec, origins=composed.origins)
    assert [str(problem) for problem in composed.located(caught.value.problems)] == [
        f'{tmp_path}/base.toml:1:6: lr: expected a number, got "fast"',
        f"{tmp_path}/spec.toml:2:8: flag: expected true or false, got 2",
        'command line: threads=no: threads: expected a whole number or "auto", got "no"',
    ]


def test_an_argument_is_raw_text_where_the_field_is_text():
    assert structure({"lr": 1.0, "name": Argument("007", 7)}, OuterSpec).name == "007"
    assert structure({"lr": Argument("1", 1)}, OuterSpec).lr == 1.0
    assert structure({"lr": 1.0, "threads": Argument("auto", "auto")}, OuterSpec).threads == "auto"


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
ARRAYS = st.lists(st.integers(), max_size=2)


@given(
    st.dictionaries(st.text(max_size=4), SCALARS | ARRAYS | st.dictionaries(st.text(max_size=3), SCALARS, max_size=2))
)
def test_no_table_gives_anything_but_a_spec_error(tree):
    for key in ("loss", "necks", "hooks", "inner", "pair", "images"):
        for value in [tree, *tree.values()]:
            try:
                structure({"lr": 1.0, key: value}, OuterSpec)
            except SpecError as error:
                assert all(problem.path.startswith(key) for problem in error.problems)


class Scale(nn.Module):
    def __init__(self, spec, *, factor=1):
        super().__init__()
        self.size = spec.size * factor


@spec
class ScaleSpec(Spec):
    builds: ClassVar[str] = f"{__name__}:Scale"
    size: int = field(1, help="A size.")


def test_a_type_may_be_given_as_a_class():
    built = build_from_cfg({"type": ScaleSpec, "size": 4}, Registry("neck"), factor=2)
    assert built.size == 8


def test_default_args_fill_only_what_is_left_out():
    defaults = {"type": ScaleSpec, "size": 3}
    assert build_from_cfg({}, Registry("neck"), defaults).size == 3
    assert build_from_cfg({"size": 5}, Registry("neck"), defaults).size == 5


def test_a_list_builds_a_sequential():
    built = build_from_cfg([ScaleSpec(size=1), {"type": ScaleSpec, "size": 2}], Registry("neck"))
    assert isinstance(built, nn.Sequential)
    assert [part.size for part in built] == [1, 2]


def test_a_class_that_is_no_spec_is_refused():
    with pytest.raises(SpecError, match="type: must be a spec class"):
        build_from_cfg({"type": Scale}, Registry("neck"))


def test_settings_alone_cannot_be_built():
    with pytest.raises(TypeError, match="InnerSpec describes settings"):
        InnerSpec().build()
