import sys

import pytest

from app.launching import deep_check as checking
from app.launching.deep_check import deep_check, deep_check_argv
from app.launching.plan import Plan
from app.launching.subject import Subject, subject_of
from app.security.roots import Roots
from tests.runs.made import made


def plan_of(name, *changes):
    return Plan(subject=subject_of({"spec": name}, roots=Roots.here()), changes=changes)


def test_missing_images_are_told_as_the_verb_tells_them(workspace):
    (workspace / "a.toml").write_text(
        'extends = ["specdet:rpn.toml"]\n[data.train]\ntype = "Coco"\nimages = "i"\nannotations = "i.json"\n'
    )
    found = deep_check(plan_of("a.toml"), device=False)
    assert found and all(problem.lacks for problem in found)
    assert any(problem.where.startswith("a.toml:") and "does not exist" in problem.message for problem in found)


def test_data_out_of_the_folders_of_the_app_is_not_opened(workspace, tmp_path):
    (tmp_path / "annotations.json").write_text("{}")
    (workspace / "out.toml").write_text(
        'spec = 1\nextends = ["specdet:rpn.toml"]\n[data.train]\ntype = "Coco"\nimages = ".."\n'
        'annotations = "../annotations.json"\n'
    )
    told = deep_check(plan_of("out.toml"), device=False)
    assert any("outside of the folders that may be read" in each.message for each in told)


def test_nothing_is_told_of_drawn_data(workspace):
    assert deep_check(plan_of("specdet:rpn.toml", "data.val.count=4"), device=False) == ()


def test_a_module_of_the_workspace_is_not_run(workspace):
    (workspace / "json.py").write_text("raise SystemExit('ran a stranger')")
    assert deep_check(plan_of("specdet:rpn.toml"), data=False, device=False) == ()


def test_arguments_stay_arguments(workspace):
    subject = Subject(verb="launch", name="-x; $(y).toml", path=workspace / "x")
    argv = deep_check_argv(Plan(subject=subject, changes=("~hooks.log", "name=$(z) --data")))
    assert argv[:5] == [sys.executable, "-P", "-m", "specdet.cli", "check"]
    assert argv[5:8] == ["./-x; $(y).toml", "--set=~hooks.log", "--set=name=$(z) --data"]
    run = made(workspace / "runs")
    argv = deep_check_argv(Plan(subject=Subject(verb="rerun", name=run.name, path=run)))
    assert argv[5] == str(run / "spec.toml")


@pytest.mark.parametrize(
    ("code", "words"),
    [("raise SystemExit('no memory')", "exit code 1: no memory"), ("print('{}')", "exit code 0: it says nothing"),
     ("import time; time.sleep(60)", "took over")],
)  # fmt: skip
def test_a_check_that_does_not_end_well_is_a_sentence(workspace, monkeypatch, code, words):
    monkeypatch.setattr(checking, "deep_check_argv", lambda plan, **asked: [sys.executable, "-c", code])
    with pytest.raises(ValueError, match=words):
        deep_check(plan_of("specdet:rpn.toml"), patience=1.0)
