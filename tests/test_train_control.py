"""Trainings that are asked to stop, in each phase, and for other things."""

import signal
from pathlib import Path

import pytest
from small_training import LAST, Training, events, run_of, same_weights, train, write_spec

from specdet.runner.checkpoint import list_checkpoints
from specdet.runs import control
from specdet.runs.end import read_end
from specdet.runs.lock import is_owned
from specdet.runs.state import read_process, read_state


@pytest.fixture
def arguments(tmp_path) -> list[str]:
    return write_spec(tmp_path)


@pytest.fixture(scope="module")
def straight(tmp_path_factory) -> Path:
    """A run that nothing happens to."""
    folder = tmp_path_factory.mktemp("straight")
    done = train(folder, *write_spec(folder))
    assert done.returncode == 0, done.stderr
    return run_of(folder)


def test_a_stop_while_data_is_prepared_ends_it_at_once(arguments, tmp_path):
    training = Training(tmp_path, *arguments, "data.val.count=1000000")
    run = training.run
    assert read_state(run).state == "starting" and is_owned(run)
    owner = read_process(run)
    assert (owner.owner.pid, owner.by) == (training.process.pid, "training")
    assert training.answer("stop") == "done"
    assert training.ends() == 76
    end, state = read_end(run, attempt=1), read_state(run)
    assert (end.outcome, end.reason, end.checkpoint) == ("stopped", "user", "")
    assert (state.state, state.reason, state.exit_code) == ("stopped", "user", 76)
    assert not is_owned(run)
    assert [event["data"]["command"] for event in events(run, "command")] == ["stop"]
    assert "nothing to save" in training.said


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 75), (signal.SIGINT, 130)])
def test_a_signal_while_data_is_prepared_ends_it_at_once(arguments, tmp_path, number, code):
    training = Training(tmp_path, *arguments, "data.val.count=1000000")
    run = training.run
    training.process.send_signal(number)
    assert training.ends() == code
    end = read_end(run, attempt=1)
    assert (end.outcome, end.reason) == ("stopped", "signal") and number.name in end.message


@pytest.mark.parametrize(
    ("phase", "iter", "slow"),
    [
        ("train", 0, "step"),
        ("train", 3, "step"),
        ("eval", 6, "eval"),
        ("eval", 12, "eval"),
        ("save", 5, "save"),
    ],
)
def test_a_stop_in_any_phase_saves_and_the_run_goes_on_bit_for_bit(arguments, tmp_path, straight, phase, iter, slow):
    training = Training(tmp_path, *arguments, slow=f"{slow} 1.2")
    training.reaches(phase, iter)
    assert training.answer("stop") == "done"
    assert training.ends() == 76
    run = training.run
    (newest,) = list_checkpoints(run / "checkpoints")[-1:]
    done_iters = int(newest.name.removeprefix("iter_"))
    assert iter <= done_iters <= iter + 2
    end = read_end(run, attempt=1)
    assert (end.outcome, end.reason, end.checkpoint) == ("stopped", "user", f"checkpoints/{newest.name}")
    (told,) = events(run, "command")
    assert (told["data"]["command"], told["data"]["outcome"]) == ("stop", "done")

    done = train(tmp_path, *arguments, f"train.resume_from={run}")
    assert done.returncode == 0, done.stderr
    assert same_weights([straight, run], LAST)
    state = read_state(run)
    assert (state.state, state.attempt, read_end(run, attempt=2).outcome) == ("finished", 2, "finished")
    assert {event["attempt"] for event in events(run, "phase")} == {1, 2}
    measured = [[event["data"] for event in events(each, "eval")] for each in (straight, run)]
    assert measured[0] == measured[1]  # an evaluation that was broken off was made up for
    assert (run / "checkpoints/best.json").read_text() == (straight / "checkpoints/best.json").read_text()


def test_checkpoint_and_evaluation_on_request_change_nothing_else(arguments, tmp_path, straight):
    keeping = ["hooks.checkpoint.every.iters=100", "hooks.checkpoint.keep_last='all'"]
    training = Training(tmp_path, *arguments, *keeping, slow="step 0.8")
    training.reaches("train", 2)
    assert [training.answer(kind) for kind in ("evaluate", "checkpoint")] == ["done", "done"]
    assert training.ends(within=30) == 0
    run = training.run
    answered = {event["data"]["command"]: event["step"] for event in events(run, "command")}
    assert set(answered) == {"evaluate", "checkpoint"}
    assert (run / f"checkpoints/iter_{answered['checkpoint']:08d}").is_dir()
    assert answered["evaluate"] in [event["step"] for event in events(run, "eval")]
    assert same_weights([straight, run], LAST)
    assert read_end(run, attempt=1).outcome == "finished"


def test_what_cannot_be_done_is_said(arguments, tmp_path):
    without = ["~eval.proposal", "~hooks.checkpoint", "~data.val"]
    training = Training(tmp_path, *arguments, *without, slow="step 1")
    training.reaches("train", 1)
    assert "nothing to evaluate" in training.answer("evaluate")
    assert "nothing was saved: the spec has no Checkpoint hook" in training.answer("stop")
    assert training.ends() == 76
    assert read_end(training.run, attempt=1).checkpoint == ""


def test_stop_now_saves_nothing(arguments, tmp_path):
    training = Training(tmp_path, *arguments, "hooks.checkpoint.every.iters=100", slow="eval 3")
    training.reaches("eval", 6)
    assert training.answer("stop_now") == "done"
    assert training.ends() == 76
    assert not list_checkpoints(training.run / "checkpoints")
    assert read_state(training.run).state == "stopped"


def test_two_processes_act_together(arguments, tmp_path):
    arguments += ["data.images_per_device=2", "hooks.checkpoint.every.iters=100"]
    training = Training(tmp_path, *arguments, processes=2, slow="step 0.8")
    training.reaches("train", 1)
    run = training.run
    evaluate, checkpoint = (control.ask(run, kind) for kind in ("evaluate", "checkpoint"))
    training.until(lambda: control.outcome_of(run, checkpoint))
    assert control.outcome_of(run, evaluate) == control.outcome_of(run, checkpoint) == "done"
    assert list_checkpoints(run / "checkpoints")
    assert training.answer("stop") == "done"
    training.process.wait(20)
    end = read_end(run, attempt=1)
    assert (end.outcome, end.reason) == ("stopped", "user")
    assert end.checkpoint == f"checkpoints/{list_checkpoints(run / 'checkpoints')[-1].name}"

    done = train(tmp_path, *arguments, f"train.resume_from={run}", processes=2)
    assert done.returncode == 0, done.stderr
    undisturbed = tmp_path / "undisturbed"
    done = train(undisturbed, *arguments, processes=2)
    assert done.returncode == 0, done.stderr
    assert same_weights([run_of(undisturbed), run], LAST)


def test_two_processes_that_prepare_end_at_once(arguments, tmp_path):
    training = Training(tmp_path, *arguments, "data.val.count=1000000", processes=2)
    run = training.run
    assert training.answer("stop") == "done"
    training.process.wait(10)
    end = read_end(run, attempt=1)
    assert (end.outcome, end.reason, end.checkpoint) == ("stopped", "user", "")
