from pathlib import Path

import pytest

from specdet.cli import main
from specdet.registry import COMPONENTS
from specdet.spec import Spec, field, spec
from specdet.spec.compose import shipped_specs
from specdet.spec.manual.page import as_text
from specdet.verbs.explain import page

RPN = str(shipped_specs() / "rpn.toml")


@spec
class MineSpec(Spec):
    """A neck of my own."""

    width: int = field(7, help="How wide it is.")


def explained(capsys, *arguments):
    assert main(["explain", *arguments]) == 0
    return capsys.readouterr().out


def test_a_path_with_all_that_is_known_of_it(capsys):
    said = explained(capsys, "model.backbone.norm_eval")
    for line in (
        "  key of   ResNet, MobileNetV3, ResNeXt",
        "  type     true or false",
        "  default  false",
        '  matters  only where norm is "BN" or "SyncBN"',
        "  said in  specdet:base/cascade_rcnn_r50_fpn.toml,",
    ):
        assert line in said.splitlines()


def test_a_path_through_an_open_family_names_every_component(capsys):
    said = explained(capsys, "optimizer.lr")
    assert "  key of   SGD\n  type     a number, above 0\n  default  required\n" in said
    assert "  key of   Adam, AdamW, RAdam\n  type     a number, above 0\n  default  0.001\n" in said


def test_a_path_to_components_lists_them(capsys):
    said = explained(capsys, "data.train_transforms")
    assert "  Flip         Mirror an image and its boxes, at random." in said


def test_a_path_to_the_one_hook_of_that_key_tells_its_keys(capsys):
    assert "\n  keep_last = 3\n" in explained(capsys, "hooks.checkpoint")


@pytest.mark.parametrize("name", ["SGD", "sgd"])
def test_a_tag_in_any_case(capsys, name):
    said = explained(capsys, name)
    assert said.startswith("SGD (optimizer)\n")
    assert "  taken by  `optimizer`" in said
    assert "  said in   specdet:base/schedule_1x.toml" in said
    assert "\n  momentum = 0.0\n      Share of the last update that is kept.\n" in said


def test_a_family(capsys):
    said = explained(capsys, "neck")
    assert "Taken by `model.neck` of RPN, `model.neck` of FastRCNN, " in said
    assert "  FPN       Feature pyramid" in said


def test_a_path_goes_before_a_tag_that_differs_in_case(capsys):
    assert explained(capsys, "optimizer").startswith("optimizer\n=========\n\nThe optimizer.\n")
    assert explained(capsys, "Optimizer").startswith("Optimizer (hook)\n")


def test_a_tag_of_two_families_is_told_twice():
    components = {**COMPONENTS, "neck": {"Random": MineSpec}}
    said = as_text(page("Random", components=components))
    assert "Random (neck)" in said and "Random (sampler)" in said


def test_components_from_elsewhere_are_known():
    components = {**COMPONENTS, "neck": {**COMPONENTS["neck"], "mine:Neck": MineSpec}}
    assert "A neck of my own." in as_text(page("mine:Neck", components=components))
    assert "How wide it is." in as_text(page("model.neck.width", components=components))


def test_without_a_name_the_top_of_a_spec_and_how_to_go_on(capsys):
    said = explained(capsys)
    assert "\n  optimizer\n      The optimizer.\n" in said
    assert "specdet explain optimizer.lr" in " ".join(said.split())


def test_the_value_of_a_spec_and_the_line_that_wrote_it(capsys):
    said = explained(capsys, "optimizer.lr", "--spec", RPN)
    lines = Path(RPN).read_text(encoding="utf-8").splitlines()
    line = next(number for number, text in enumerate(lines, 1) if text.startswith("lr ="))
    assert f"0.001 ({RPN}:{line}:6)" in " ".join(said.split())
    assert "key of   AdamW\n" in said, "the spec says which optimizer it is"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("schedule.by", "not said, so the default"),
        ("hooks.log", '{ type = "TextLog" } (the default of every run)'),
        ("model.backbone.out_stages.1", "3 ("),
    ],
)
def test_a_value_that_nobody_wrote_and_one_in_an_array(capsys, path, value):
    assert f"value {value}" in " ".join(explained(capsys, path, "--spec", RPN).split())


def test_markdown(capsys):
    said = explained(capsys, "neck", "--markdown")
    assert said.startswith("# neck (a family of components)\n")
    assert "\n- FPN: Feature pyramid" in said


def test_a_page_fits_into_eighty_columns(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("", "RPN", "hooks", "data.train", "optimizer.betas"):
        assert max(map(len, explained(capsys, name).splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["optimizer.lrr"], "optimizer.lrr: no spec has such a key (did you mean 'lr'?)"),
        (["optimzer"], "optimzer: is no path, no component and no family of components (did you mean 'optimizer'?)"),
        (["Sgdd"], "Sgdd: is no path, no component and no family of components (did you mean 'SGD'?)"),
        (["a b"], "a b: is no path, no component and no family of components"),
        (["a b.c"], "a b.c: expected keys joined by dots"),
        (["SGD", "--spec", RPN], "SGD: no spec has such a key"),
        (["seed", "--spec", "nowhere.toml"], "nowhere.toml: no such file"),
    ],
)
def test_what_is_not_known_is_a_problem_with_the_nearest_name(capsys, arguments, message):
    assert main(["explain", *arguments]) == 1
    said = capsys.readouterr()
    assert message in said.err
    assert not said.out
