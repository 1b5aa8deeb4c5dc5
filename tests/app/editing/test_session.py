"""Drafts, two tabs, and saving: nothing is lost and nothing is overwritten unasked."""

import json
import stat

import pytest

from app.editing.differences import from_bases, from_defaults, from_saved, text_diff
from app.editing.drafts import drafts_folder, drafts_of, find_draft
from app.editing.saving import at_home, clash, save, save_as, save_over
from app.editing.session import Editing
from app.editing.target import target_of
from app.security.roots import Roots
from specdet.spec import SpecError
from specdet.spec.editing.edit import SpecFile
from tests.app.editing.test_form_of import RPN, check_text, form_of

TEXT = "# mine\nspec = 1\nseed = 1   # a number\n"


@pytest.fixture
def file(workspace):
    path = workspace / "a.toml"
    path.write_text(TEXT)
    return path


def begin(*, draft: str = "", owner: str = "one") -> Editing:
    return Editing.begin(target_of("a.toml", roots=Roots.here()), draft=draft, owner=owner, at=1.0)


def seed(editing: Editing, value: int) -> None:
    editing.apply(lambda file: file.set(("seed",), value), path=("seed",), at=2.0)


def test_what_was_not_saved_is_back_after_a_reload(file):
    tab = begin()
    seed(tab, 2)
    again = begin(draft=tab.draft, owner="the same tab, loaded anew")
    assert again.restored
    assert again.buffer.text == TEXT.replace("seed = 1", "seed = 2")
    again.go_on(save(again.buffer), at=3.0)
    assert file.read_text() == TEXT.replace("seed = 1", "seed = 2")
    assert not drafts_of(file)


def test_a_draft_is_for_its_user_alone(file):
    seed(begin(), 2)
    assert stat.S_IMODE(drafts_folder().stat().st_mode) == 0o700


def test_two_tabs_share_no_edit_and_the_second_save_is_refused(file):
    one, two = begin(owner="one"), begin(owner="two")
    seed(one, 2)
    seed(two, 3)
    assert one.draft != two.draft
    one.go_on(save(one.buffer), at=3.0)
    assert clash(two.buffer)
    with pytest.raises(SpecError, match="changed meanwhile"):
        save(two.buffer)
    assert "seed = 2" in file.read_text()
    assert find_draft(file, two.draft) is not None
    two.go_on(save_over(two.buffer), at=4.0)
    assert "seed = 3" in file.read_text()


def test_a_tab_whose_draft_was_taken_goes_on_with_one_of_its_own(file):
    one = begin(owner="one")
    seed(one, 2)
    copy = begin(draft=one.draft, owner="a copy of the tab")
    seed(copy, 5)
    seed(one, 3)
    assert one.draft != copy.draft
    assert {draft.text for draft in drafts_of(file)} == {one.buffer.text, copy.buffer.text}
    assert [draft.id for draft in one.others()] == [copy.draft]


def test_what_a_closed_tab_left_is_taken_over(file):
    closed = begin(owner="closed")
    seed(closed, 7)
    tab = begin(owner="new")
    (left,) = tab.others()
    tab.take(left, at=3.0)
    assert "seed = 7" in tab.buffer.text
    assert not tab.others()


def test_theirs_are_loaded_and_ours_stay_as_a_draft_and_as_a_step_to_undo(file):
    tab = begin()
    seed(tab, 2)
    file.write_text(TEXT.replace("seed = 1", "seed = 9"))
    ours = tab.buffer.text
    tab.set_aside()
    tab.go_on(tab.buffer.replaced(SpecFile.read(file)), at=3.0)
    assert "seed = 9" in tab.buffer.text
    assert tab.buffer.undone().text == ours
    assert [draft.text for draft in tab.others()] == [ours]


def test_an_unchanged_tab_follows_the_file_and_a_changed_one_does_not(file):
    tab = begin()
    file.write_text(TEXT + "name = 'x'\n")
    assert tab.follow()
    assert "name" in tab.buffer.text
    seed(tab, 2)
    file.write_text(TEXT)
    assert not tab.follow()
    assert "seed = 2" in tab.buffer.text


def test_an_edit_that_cannot_be_written_is_told_and_changes_nothing(file):
    tab = begin()
    tab.apply(lambda each: each.set(("seed", "deeper"), 1), path=("seed",), at=2.0)
    assert "not a table" in tab.refusal
    assert tab.buffer.text == TEXT


def test_an_id_from_a_url_opens_no_other_file(file, workspace):
    (drafts_folder()).mkdir(parents=True)
    for id in ("../../secret", "x", "", "0" * 13):
        assert find_draft(file, id) is None


@pytest.mark.parametrize("content", ["", "{}", "[1]", json.dumps({"id": 1}), "\x00"])
def test_a_draft_that_cannot_be_read_is_none(file, content):
    tab = begin()
    seed(tab, 2)
    (kept,) = drafts_folder().iterdir()
    kept.write_text(content)
    assert drafts_of(file) == []
    assert begin(draft=tab.draft).buffer.text == TEXT


def test_a_file_that_was_deleted_is_told_and_its_draft_can_be_saved_again(file):
    tab = begin()
    seed(tab, 2)
    file.unlink()
    with pytest.raises(SpecError, match="there is no file"):
        begin()
    again = begin(draft=tab.draft, owner="two")
    with pytest.raises(SpecError, match="deleted meanwhile"):
        save(again.buffer)
    save_over(again.buffer)
    assert "seed = 2" in file.read_text()


def test_saved_elsewhere_it_extends_the_same_files(workspace):
    (workspace / "base").mkdir()
    (workspace / "base/b.toml").write_text("spec = 1\n")
    old = SpecFile.new(workspace / "a.toml", 'extends = ["base/b.toml", "specdet:rpn.toml"]  # both\n')
    moved = at_home(old, workspace / "deep/er/a.toml")
    assert moved.text == 'extends = ["../../base/b.toml", "specdet:rpn.toml"]  # both\n'


def test_a_copy_of_a_shipped_spec_extends_shipped_specs_by_name(workspace):
    target = target_of("specdet:coco/rpn_r50_fpn_1x.toml", roots=Roots.here())
    tab = Editing.begin(target, draft="", owner="one", at=1.0)
    made = save_as(tab.buffer, workspace / "new/copy.toml")
    assert made.get(("extends",))[0] == "specdet:base/rpn_r50_fpn.toml"
    assert check_text(made.path, made.text).problems == ()


def test_differences_of_text_and_of_values():
    before, after = RPN.read_text(), RPN.read_text().replace("lr = 1e-3", "lr = 2e-3").replace("# half", "# Half")
    diff = text_diff(before, after, names=("saved", "now"))
    assert "-lr = 1e-3" in diff
    assert "+lr = 2e-3" in diff
    rows = from_saved(check_text(RPN, before), check_text(RPN, after))
    assert [(row.key, row.before, row.after) for row in rows] == [("optimizer.lr", "0.001", "0.002")]
    assert not text_diff(before, before, names=("a", "b"))


def test_differences_from_what_is_extended_and_from_the_defaults(workspace):
    text = 'spec = 1\nextends = ["specdet:rpn.toml"]\n[optimizer]\nlr = 5e-4\n'
    checked = check_text(workspace / "x.toml", text)
    assert [(row.key, row.before, row.after) for row in from_bases(checked)] == [("optimizer.lr", "0.001", "0.0005")]
    keys = {row.key: (row.before, row.after) for row in from_defaults(form_of(checked))}
    assert keys["optimizer.lr"] == ("0.001", "0.0005")
    assert keys["model.neck.out_channels"] == ("256", "64")
    assert "optimizer.betas" not in keys


def test_a_draft_that_cannot_be_kept_is_told(file, monkeypatch):
    def full(*_, **__):
        raise OSError("No space left on device")

    monkeypatch.setattr("app.editing.session.keep", full)
    tab = begin()
    seed(tab, 2)
    assert "No space left" in tab.refusal
    assert "seed = 2" in tab.buffer.text


@pytest.mark.parametrize("junk", [{"at": "late"}, {"at": None}, {"marked": "no"}, {"digest": 7}, {"text": 1}])
def test_a_draft_that_makes_no_sense_does_not_hide_the_others(file, junk):
    tab = begin()
    tab.go_on(tab.buffer.typed(TEXT + "name = 'a'\n", at=2.0), at=2.0)
    (kept,) = drafts_folder().iterdir()
    damaged = json.loads(kept.read_text()) | {"id": "0" * 12} | junk
    kept.with_name(kept.name.replace(tab.draft, "0" * 12)).write_text(json.dumps(damaged))
    assert [draft.id for draft in drafts_of(file)] == [tab.draft]
