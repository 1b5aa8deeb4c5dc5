"""An edit of the form changes the keys that it is about, and nothing else."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.editing import edits
from app.editing.checked import check_text
from app.editing.form import FormField, FormGroup
from app.editing.form_of import form_of
from specdet.spec import SpecError
from specdet.spec.compose import shipped_specs
from specdet.spec.diff import changes
from specdet.spec.editing.edit import SpecFile
from specdet.spec.manual.description import Kind
from specdet.spec.paths import undotted

SPECS = [path for path in sorted(shipped_specs().rglob("*.toml")) if "base" not in path.parts]
FILES = {path: SpecFile.read(path) for path in SPECS}
FORMS = {path: form_of(check_text(path, file.text)) for path, file in FILES.items()}
RPN, RPN_1X = shipped_specs() / "rpn.toml", shipped_specs() / "coco/rpn_r50_fpn_1x.toml"
TYPED = st.sampled_from(
    ["fast", "-1", "3e-4", "7", "true", "[1, 2]", "1_000", "nan", "x, y", '"', "{", "[", "#", "a\\b", "1 # x"]
)


def comments(text: str) -> list[str]:
    return [line.partition("#")[2] for line in text.splitlines() if "#" in line]


def form(file: SpecFile) -> FormGroup:
    return form_of(check_text(file.path, file.text))


def group(file: SpecFile, path: str) -> FormGroup:
    found = form(file).find(undotted(path))
    assert isinstance(found, FormGroup)
    return found


def field(file: SpecFile, path: str) -> FormField:
    found = form(file).find(undotted(path))
    assert isinstance(found, FormField)
    return found


@st.composite
def fields(draw) -> tuple[SpecFile, FormField]:
    path = draw(st.sampled_from(SPECS))
    return FILES[path], draw(st.sampled_from([*FORMS[path].fields()]))


@given(fields(), TYPED)
def test_what_is_typed_into_any_field_of_any_spec_changes_that_key_alone_and_no_comment(which, text):
    file, field = which
    new = edits.enter(file, field, text)
    allowed = field.path if field.ground is None else field.ground.path
    for change in changes(file.tree, new.tree):
        assert change.path[: len(allowed)] == allowed or allowed[: len(change.path)] == change.path
    lines = new.text.splitlines()  # a value may have a # too
    assert all(any(line.endswith(f"#{comment}") for line in lines) for comment in comments(file.text))


@given(fields(), TYPED)
def test_what_was_not_said_and_is_typed_and_taken_out_leaves_what_was_said(which, text):
    file, field = which
    if field.own or field.ground is not None:
        return
    back = edits.reset(edits.enter(file, field, text), field.path)
    left = [change for change in changes(file.tree, back.tree) if change.after != {}]
    assert not left  # a table that was made for it may stay, empty


@given(fields())
def test_an_own_value_taken_out_and_typed_again_as_it_was_shown_is_the_same(which):
    file, field = which
    if field.own:
        again = edits.enter(edits.reset(file, field.path), field, field.text)
        assert again.get(field.path) == file.get(field.path)


def test_a_number_is_written_as_it_was_typed():
    file = FILES[RPN]
    new = edits.enter(file, field(file, "optimizer.lr"), "5e-4")
    assert new.text == file.text.replace("lr = 1e-3", "lr = 5e-4")


def test_what_is_wrong_is_written_too_and_told_at_its_field():
    file = FILES[RPN]
    for typed, said in (("fast", 'expected a number, got "fast"'), ("-1", "must be above 0, got -1")):
        found = field(edits.enter(file, field(file, "optimizer.lr"), typed), "optimizer.lr")
        assert [problem.message for problem in found.problems] == [said]
        assert found.text == typed


def test_a_number_of_more_than_64_bits_stands_in_the_file_as_text():
    file = FILES[RPN]
    new = edits.enter(file, field(file, "seed"), "9" * 30)
    assert new.get(("seed",)) == "9" * 30


def test_nothing_typed_takes_the_key_out():
    file = FILES[RPN]
    assert edits.enter(file, field(file, "optimizer.lr"), "").get(("optimizer", "lr")) is None


def test_another_type_keeps_what_both_have_and_drops_the_rest():
    file = SpecFile.new(RPN, FILES[RPN].text.replace("lr = 1e-3", "lr = 1e-3  # mine\namsgrad = true"))
    new = edits.choose(file, group(file, "optimizer"), "SGD")
    assert new.get(("optimizer",)) == {"type": "SGD", "lr": 1e-3}
    assert "# mine" in new.text
    assert not form(new).count


def test_back_to_the_inherited_type_the_inherited_keys_count_again():
    file = SpecFile.new(RPN_1X, FILES[RPN_1X].text)
    adam = edits.choose(file, group(file, "optimizer"), "Adam")
    assert field(adam, "optimizer.lr").value == 1e-3
    back = edits.choose(adam, group(adam, "optimizer"), "SGD")
    assert field(back, "optimizer.lr").value == 0.02
    assert back.get(("optimizer", "type")) is None


def test_a_component_that_was_not_there_is_made():
    file = SpecFile.new(RPN, FILES[RPN].text.replace('[model.neck]\ntype = "FPN"\nout_channels = 64\n', ""))
    assert edits.choose(file, group(file, "model.neck"), "FPN").get(("model", "neck")) == {"type": "FPN"}


def test_a_hook_is_added_renamed_and_taken_out():
    file = FILES[RPN]
    hooks = group(file, "hooks")
    added = edits.add(file, hooks, "mean", {"type": "EMA"})
    assert group(added, "hooks.mean").tag == "EMA"
    renamed = edits.rename(added, group(added, "hooks"), "mean", "average")
    assert group(renamed, "hooks.average").tag == "EMA"
    gone = edits.take_out(renamed, group(renamed, "hooks"), group(renamed, "hooks.average"))
    assert not [*changes(gone.tree, file.tree)]


def test_a_default_hook_is_unset_and_brought_back():
    file = FILES[RPN]
    gone = edits.take_out(file, group(file, "hooks"), group(file, "hooks.log"))
    assert gone.get(("unset",)) == ["hooks.log"]
    assert "log" not in group(gone, "hooks").names
    assert "log" in group(edits.restore(gone, ("hooks", "log")), "hooks").names
    assert edits.restore(gone, ("hooks", "log")).text == file.text


def test_names_that_are_taken_or_mean_something_else_are_refused():
    hooks = group(FILES[RPN], "hooks")
    for name in ("", "order", "type", "log"):
        assert edits.name_problem(hooks, name)
        with pytest.raises(SpecError):
            edits.add(FILES[RPN], hooks, name, {"type": "EMA"})
    assert edits.free_name(hooks, "TextLog") == "textlog"
    assert edits.free_name(hooks, "Optimizer") == "optimizer_2"


def test_an_entry_is_moved_by_an_order_which_goes_when_it_says_nothing_new():
    file = FILES[RPN]
    hooks = group(file, "hooks")
    moved = edits.move(file, hooks, "log", -1, natural=hooks.names)
    names = group(moved, "hooks").names
    assert names.index("log") == hooks.names.index("log") - 1
    back = edits.move(moved, group(moved, "hooks"), "log", 1, natural=hooks.names)
    assert back.get(("hooks", "order")) is None


def test_an_order_does_not_name_what_is_taken_out_or_renamed():
    file = SpecFile.new(RPN, FILES[RPN].text + '\n[hooks.mean]\ntype = "EMA"\n\n[hooks]\norder = ["mean", "log"]\n')
    renamed = edits.rename(file, group(file, "hooks"), "mean", "average")
    assert renamed.get(("hooks", "order")) == ["average", "log"]
    assert edits.take_out(file, group(file, "hooks"), group(file, "hooks.mean")).get(("hooks", "order")) == ["log"]


def test_one_of_several_defaults_is_changed_without_losing_the_others():
    file = FILES[RPN]
    areas = group(file, "eval.proposal.areas")
    new = edits.enter(file, field(file, "eval.proposal.areas.small"), "[0, 100]")
    assert list(new.get(areas.path)) == ["small", "medium", "large"]
    assert not form(new).count


def test_an_item_of_an_inherited_list_is_changed_in_a_list_of_ones_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "below.toml").write_text(FILES[RPN].text.replace("[model.neck]", "[[model.neck]]"))
    file = SpecFile.new(tmp_path / "above.toml", 'spec = 1\nextends = ["below.toml"]\n')
    new = edits.enter(file, field(file, "model.neck.0.extra_levels"), "1")
    assert new.get(("model", "neck")) == [{"type": "FPN", "out_channels": 64, "extra_levels": 1}]
    assert group(file, "model.neck").kind is Kind.ARRAY


def test_what_a_base_gives_is_unset_where_the_spec_can_be_without_it():
    file = SpecFile.new(RPN_1X, FILES[RPN_1X].text)
    assert field(file, "train.max_epochs").can_be_unset
    assert not field(file, "optimizer.lr").can_be_unset
    new = edits.unset(file, ("train", "max_epochs"), inherited=True)
    assert field(new, "train.max_epochs").removed
    assert Path(new.path) == file.path
