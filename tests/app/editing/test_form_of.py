"""The form over every spec that is shipped, and over every mistake that the tests of the check know."""

from pathlib import Path

import pytest

from app.editing.checked import check_text
from app.editing.form import FormField, FormGroup, Source, Widget, section_of, sections
from app.editing.form_of import form_of
from specdet.experiment import resolved
from specdet.spec.compose import shipped_specs
from specdet.spec.editing.edit import SpecFile
from specdet.spec.manual.description import Kind
from specdet.spec.paths import undotted

SHIPPED = sorted(shipped_specs().rglob("*.toml"))
MISTAKES = [
    path
    for path in sorted((Path(__file__).parents[2] / "verbs/bad_specs").glob("*.toml"))
    if "not-utf-8" not in path.stem  # which is no text to be edited
]
RPN = shipped_specs() / "rpn.toml"
RPN_1X = shipped_specs() / "coco/rpn_r50_fpn_1x.toml"


def form(path: Path, text: str | None = None, *, part: bool = False) -> FormGroup:
    return form_of(check_text(path, path.read_text() if text is None else text, part=part))


def field(group: FormGroup, path: str) -> FormField:
    found = group.find(undotted(path))
    assert isinstance(found, FormField), found
    assert found.path == undotted(path)
    return found


def group(whole: FormGroup, path: str) -> FormGroup:
    found = whole.find(undotted(path))
    assert isinstance(found, FormGroup), found
    assert found.path == undotted(path)
    return found


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_form_of_a_shipped_spec_says_what_its_experiment_says(path):
    if "base" in path.parts:
        assert form(path, part=True).count == 0
        return
    checked = check_text(path, path.read_text())
    assert checked.experiment is not None
    whole = SpecFile.new("whole.toml", resolved(checked.experiment))
    for each in form_of(checked).fields():
        expected = whole.get(each.path)
        spoken_of = each.path[0] not in ("extends", "unset", "name") and not each.field.derived
        is_path = Kind.PATH in (each.kind.kind, *(part.kind for part in each.kind.parts))  # a run keeps absolute ones
        if spoken_of and expected is not None and not is_path:
            assert each.value == expected, each.path


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_field_is_own_exactly_where_the_file_says_it(path):
    file = SpecFile.read(path)
    for each in form(path, part="base" in path.parts).fields():
        assert each.own == (file.get(each.path) is not None), each.path


@pytest.mark.parametrize("path", MISTAKES, ids=lambda path: path.stem)
def test_every_problem_is_somewhere_in_the_form_once(path):
    checked = check_text(path, path.read_text())
    assert form_of(checked).count == len(checked.problems) > 0


@pytest.mark.parametrize("path", MISTAKES, ids=lambda path: path.stem)
def test_a_problem_is_at_the_key_that_it_is_about_or_at_the_table_around_it(path):
    whole = form(path)
    for each in (*whole.fields(), *whole.groups()):
        for problem in each.problems:
            assert problem.path.split(".")[: len(each.path)] == list(each.path) or '"' in problem.path


def test_a_wrong_value_is_shown_as_it_stands_with_its_problem():
    found = field(form(RPN, RPN.read_text().replace("lr = 1e-3", 'lr = "fast"')), "optimizer.lr")
    assert (found.text, found.own) == ("fast", True)
    assert [problem.message for problem in found.problems] == ['expected a number, got "fast"']


def test_numbers_are_shown_as_the_file_spells_them():
    assert field(form(RPN), "optimizer.lr").text == "1e-3"


def test_an_inherited_value_names_the_file_that_it_is_from():
    found = field(form(RPN_1X), "schedule.warmup_iters")
    assert (found.source, found.value) == (Source.INHERITED, 500)
    lines = (shipped_specs() / "base/schedule_1x.toml").read_text().splitlines()
    at = lines.index("warmup_iters = 500") + 1
    assert found.written_at.endswith(f"base/schedule_1x.toml:{at}:16")


def test_what_lies_below_an_own_value_is_known():
    text = RPN_1X.read_text() + "\n[optimizer]\nlr = 0.01\n"
    found = field(form(RPN_1X, text), "optimizer.lr")
    assert (found.value, found.below, found.source) == (0.01, 0.02, Source.OWN)


def test_below_another_type_nothing_of_the_old_one_is_inherited():
    text = RPN_1X.read_text() + '\n[optimizer]\ntype = "Adam"\n'
    whole = form(RPN_1X, text)
    assert field(whole, "optimizer.lr").source is Source.DEFAULT  # the 0.02 was of the SGD
    assert group(whole, "optimizer").tag_below == "SGD"


def test_the_default_hooks_are_there_and_are_from_no_file():
    hooks = group(form(RPN), "hooks")
    assert {"optimizer", "evaluate", "checkpoint", "log", "events"} <= set(hooks.names)
    log = group(hooks, "hooks.log")
    assert (log.tag, log.own, log.inherited, log.written_at) == ("TextLog", False, True, "")


def test_an_unset_hook_is_gone_and_named():
    text = RPN.read_text().replace("spec = 1", 'spec = 1\nunset = ["hooks.log"]')
    hooks = group(form(RPN, text), "hooks")
    assert "log" not in hooks.names
    assert hooks.removed == ("log",)


def test_the_order_that_is_said_is_the_order_of_the_cards():
    text = RPN.read_text() + '\n[hooks]\norder = ["events", "log"]\n'
    assert group(form(RPN, text), "hooks").names[:2] == ("events", "log")


def test_a_field_that_depends_on_another_applies_only_with_it():
    assert field(form(RPN), "schedule.warmup_iters").applies
    without = RPN.read_text().replace('warmup = "linear"\n', "")
    assert not field(form(RPN, without), "schedule.warmup_iters").applies


def test_several_training_sets_are_cards_and_one_is_a_component():
    assert group(form(RPN), "data.train").kind is Kind.COMPONENT
    text = RPN.read_text().replace("[data.train]", "[data.train.drawn]")
    several = group(form(RPN, text), "data.train")
    assert (several.kind, several.names) == (Kind.KEYED, ("drawn",))
    assert several.count == 0


def test_a_list_of_necks_is_a_list_of_components():
    text = RPN.read_text().replace("[model.neck]", "[[model.neck]]")
    neck = group(form(RPN, text), "model.neck")
    assert (neck.kind, [child.tag for child in neck.children]) == (Kind.ARRAY, ["FPN"])


def test_a_component_that_is_not_there_can_be_chosen():
    whole = form(RPN, RPN.read_text().replace('[model.neck]\ntype = "FPN"\nout_channels = 64\n', ""))
    neck = group(whole, "model.neck")
    assert (neck.present, neck.optional, neck.tag) == (False, True, None)
    assert "FPN" in neck.tags


def test_a_key_that_nothing_describes_is_a_stray():
    whole = form(RPN, RPN.read_text().replace("depth = 18", "depht = 18"))
    backbone = group(whole, "model.backbone")
    assert [(stray.path[-1], stray.text, stray.own) for stray in backbone.strays] == [("depht", "18", True)]
    assert [problem.path for problem in backbone.problems] == ["model.backbone.depht"]


def test_a_switch_with_another_value_can_be_typed():
    whole = form(RPN, RPN.read_text().replace("depth = 18", 'depth = 18\nnorm_eval = "yes"'))
    assert field(whole, "model.backbone.norm_eval").widget is Widget.TEXT
    assert field(form(RPN), "model.backbone.norm_eval").widget is Widget.TOGGLE


def test_a_text_that_is_no_toml_gives_a_form_and_its_problem():
    checked = check_text(RPN, "[model")
    assert not checked.is_toml
    assert form_of(checked).count == 1


def test_every_path_has_a_section():
    whole = form(RPN)
    assert set(sections(whole)) == {"general", "model", "data", "optimizer", "schedule", "train", "eval", "hooks"}
    assert section_of(("optimizer", "lr"), whole) == "optimizer"
    assert section_of(("seed",), whole) == section_of(("nonsense",), whole) == "general"


def test_a_plugin_that_is_not_trusted_is_told_and_does_not_run(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "mine.py").write_text("raise SystemExit('it ran')")
    text = RPN.read_text().replace("spec = 1", 'spec = 1\nplugins = ["./mine.py"]')
    whole = form(tmp_path / "stranger.toml", text)
    assert "not trusted" in field(whole, "plugins").problems[0].message
