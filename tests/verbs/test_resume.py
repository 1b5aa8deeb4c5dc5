import json

import pytest

from specdet.cli import main
from specdet.runs.control import ask
from specdet.runs.directory import runs_root
from specdet.runs.state import read_state
from tests.runs.launching import ended, state_of

RPN = "specdet:rpn.toml"


@pytest.fixture
def stopped(launching, monkeypatch):
    """A run of two processes that was stopped and has a checkpoint."""
    monkeypatch.setenv("FAKE", "")
    assert main(["launch", RPN, "--processes", "2", "--detach"]) == 0
    (run,) = runs_root().iterdir()
    launching.until_ready(run)
    ask(run, "stop")
    assert ended(run).state == "stopped"
    (run / "checkpoints/iter_00000003").mkdir(parents=True)
    monkeypatch.setenv("FAKE", "finish")
    return run


def test_a_stopped_run_goes_on_as_it_was_launched(stopped, capsys):
    capsys.readouterr()
    assert main(["resume", stopped.name[:-2], "train.log_every.iters=7"]) == 0
    assert (state_of(stopped).state, state_of(stopped).attempt) == ("finished", 2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == stopped.name
    assert len([line for line in lines if line.startswith("rank ")]) == 2  # of this attempt alone
    assert json.loads((stopped / "meta.json").read_text())["launch"]["overrides"] == ["train.log_every.iters=7"]
    ended(stopped)


def test_wrong_changes_are_told_and_nothing_starts(stopped, capsys):
    assert main(["resume", "last", "train.max_epoch=3"]) == 1
    assert "did you mean 'max_epochs'?" in capsys.readouterr().err
    assert state_of(stopped).attempt == 1


def test_a_finished_run_needs_something_to_do(stopped, capsys):
    assert main(["resume", "last"]) == 0
    assert main(["resume", "last"]) == 1
    assert f"{stopped.name} has finished: to train it longer" in capsys.readouterr().err


def test_a_run_that_goes_on_cannot_be_resumed(launching, capsys):
    import attrs

    from specdet.experiment import load, resolved
    from tests.runs.launching import DRAFT

    run = launching(draft=attrs.evolve(DRAFT, spec=resolved(load(RPN))))
    assert main(["resume", run.name, "--queue"]) == 3
    assert f"{run.name} is being trained: `specdet stop` it first" in capsys.readouterr().err
    state = read_state(run)
    assert state is not None
    assert state.state == "running"


def test_a_launch_does_not_go_on_with_a_run(stopped, capsys):
    assert main(["launch", RPN, f"train.resume_from={stopped}"]) == 1
    assert "go on with it by `specdet resume`" in capsys.readouterr().err
