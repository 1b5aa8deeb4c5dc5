import pytest

from app.launching.inspection import inspect
from app.launching.plan import Plan
from app.launching.subject import subject_of
from app.security.roots import Roots
from specdet.experiment import load, resolved
from tests.runs.made import made, owned


def inspected(*changes, **parameters):
    return inspect(Plan(subject=subject_of(parameters, roots=Roots.here()), changes=changes))


def test_a_right_spec_comes_to_its_resolved_text(workspace):
    found = inspected("seed=3", spec="specdet:rpn.toml")
    assert found.is_fine
    assert found.text == resolved(load("specdet:rpn.toml", ["seed=3"]))


def test_a_problem_says_its_file_and_line_from_here(workspace):
    (workspace / "a.toml").write_text('extends = ["specdet:rpn.toml"]\n\n[optimizer]\nlr = "fast"\n')
    (problem,) = inspected(spec="a.toml").problems
    assert problem.sentence == 'a.toml:4:6: optimizer.lr: expected a number, got "fast"'
    assert not problem.lacks
    (workspace / "b.toml").write_text('extends = ["specdet:rpn.toml"]\n[data.train]\ncount = 4\n')
    (problem,) = inspected(spec="b.toml").problems
    assert problem.where.startswith("specdet:rpn.toml:")  # of a warm-up that never ends


def test_a_wrong_change_is_told_of_that_change(workspace):
    found = inspected("optimizer.lr=1", "optimizer.lrr=1", "~hooks.nothing", spec="specdet:rpn.toml")
    assert not found.of_change("optimizer.lr=1")
    assert "did you mean 'lr'" in found.of_change("optimizer.lrr=1")[0].message
    assert found.of_change("~hooks.nothing") and not found.others


def test_what_this_machine_lacks_is_no_mistake_in_the_spec(workspace):
    found = inspected("data.root=/nowhere", spec="specdet:rpn.toml")
    assert [problem.lacks for problem in found.problems] == [True]
    assert "/nowhere does not exist" in found.problems[0].message
    assert found.experiment is not None and found.text


def test_a_run_that_is_alive_or_has_finished_cannot_go_on_as_it_is(workspace):
    text = resolved(load("specdet:rpn.toml"))
    finished = made(workspace / "runs", "done", state={"state": "finished", "attempt": 1, "t": 1.0})
    running = made(workspace / "runs", "busy", state={"state": "running", "attempt": 1, "t": 1.0})
    for run in (finished, running):
        (run / "spec.toml").write_text(text)
    assert "has finished" in inspected(resume="done").problems[0].message
    assert inspected("train.max_epochs=99", resume="done").is_fine
    assert inspected(rerun="done").is_fine
    with owned(running):
        assert "stop it first" in inspected(resume="busy").problems[0].message


@pytest.mark.parametrize("content", [None, "", "[", "\0", "spec = 99"])
def test_a_run_whose_spec_cannot_be_read_is_a_sentence(workspace, content):
    run = made(workspace / "runs", "run", state={"state": "stopped", "attempt": 1, "t": 1.0})
    if content is not None:
        (run / "spec.toml").write_text(content)
    for verb in ("resume", "rerun"):
        found = inspected(**{verb: "run"})
        assert not found.is_fine and all(problem.message for problem in found.problems)
