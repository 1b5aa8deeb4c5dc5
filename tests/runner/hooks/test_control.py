import os
import sys
import threading

import pytest
from toy_training import toy_loader, toy_runner

from specdet.runner.asks import Asks
from specdet.runner.checkpoint import FOLDER, list_checkpoints
from specdet.runner.hooks.base import Hook
from specdet.runner.hooks.control import Abandoned
from specdet.runs.control import ask, outcome_of, pending


class At(Hook):
    """Does something after a step, before the runner looks what it is asked for."""

    def __init__(self, iter, act):
        self.iter, self.act = iter, act

    def after_train_iter(self, runner):
        if runner.iter == self.iter:
            self.act()


@pytest.fixture
def asked(tmp_path):
    """A run that is asked for things: `asked(kind, at=iter)`."""
    asks, commands, hooks = Asks(), [], []

    def command(kind, *, at):
        def put():
            commands.append(ask(tmp_path, kind, by="test"))
            asks.add_command(commands[-1])

        hooks.append(At(at, put))

    command.asks, command.commands, command.hooks = asks, commands, hooks
    return command


def run(tmp_path, asked, *, checkpoint=True, evaluate=None):
    runner = toy_runner(tmp_path, asks=asked.asks)
    runner.register_training_hooks(
        optimizer={}, checkpoint={"every": {"iters": 100}, "keep_last": "all"} if checkpoint else None
    )
    for number, hook in enumerate(asked.hooks):
        runner.register_hook(hook, name=f"at {number}")
    runner.evaluate = evaluate and (lambda: evaluate(runner))
    runner.register_hook({"type": "Evaluation", "every": {"epochs": 1}}, name="evaluate")
    told = []
    runner.command_listeners.append(lambda command, outcome: told.append((command.kind, runner.iter, outcome)))
    runner.run([toy_loader(size=24, batch=4)], [("train", 1)], 2)
    assert not pending(tmp_path)
    assert [outcome_of(tmp_path, command) for command in asked.commands] == [outcome for _, _, outcome in told]
    return runner, told


def names(folder):
    return [path.name for path in list_checkpoints(folder / FOLDER)]


def test_a_checkpoint_is_written_after_the_step_and_the_run_goes_on(tmp_path, asked):
    asked("checkpoint", at=3)
    runner, told = run(tmp_path, asked)
    assert told == [("checkpoint", 3, "done")] and runner.iter == 12
    assert names(tmp_path) == ["iter_00000003", "iter_00000012"]


def test_an_evaluation_comes_before_the_checkpoint_that_is_asked_for_with_it(tmp_path, asked):
    asked("checkpoint", at=4)
    asked("evaluate", at=4)
    _, told = run(tmp_path, asked, evaluate=lambda runner: {"toy/AP": float(runner.iter)})
    assert told == [("evaluate", 4, "done"), ("checkpoint", 4, "done")]
    kept = (tmp_path / FOLDER / "iter_00000004" / "progress.json").read_text()
    assert '"toy/AP": 4.0' in kept


@pytest.mark.parametrize(
    ("kind", "checkpoint", "outcome", "saved"),
    [
        ("stop", True, "done", ["iter_00000005"]),
        ("stop", False, "stopped, but nothing was saved: the spec has no Checkpoint hook", []),
        ("stop_now", True, "done", []),
    ],
)
def test_being_asked_to_stop(tmp_path, asked, kind, checkpoint, outcome, saved):
    asked(kind, at=5)
    runner, told = run(tmp_path, asked, checkpoint=checkpoint)
    assert told == [(kind, 5, outcome)]
    assert (runner.iter, runner.stop_reason, runner.exit_code) == (5, kind, 76)
    assert names(tmp_path) == saved


def test_without_anything_to_evaluate_it_says_so(tmp_path, asked):
    asked("evaluate", at=2)
    _, ((kind, iter, outcome),) = run(tmp_path, asked)
    assert (kind, iter) == ("evaluate", 2) and outcome.startswith("there is nothing to evaluate")


def test_what_is_asked_for_too_late_is_answered(tmp_path, asked):
    asked("evaluate", at=12)
    asked("stop_now", at=12)
    _, told = run(tmp_path, asked, evaluate=lambda runner: {"toy/AP": 1.0})
    assert told == [("evaluate", 12, "not done: the training ended first"), ("stop_now", 12, "done")]


def test_a_run_that_fails_answers(tmp_path, asked):
    asked("stop", at=3)
    asked.hooks.append(At(3, lambda: 1 / 0))
    with pytest.raises(ZeroDivisionError):
        run(tmp_path, asked)
    (command,) = asked.commands
    assert outcome_of(tmp_path, command) == "not done: the training failed: division by zero"


def test_a_stop_within_an_evaluation_leaves_it_and_its_run_makes_up_for_it(tmp_path):
    def runner_of(asks, measured):
        runner = toy_runner(tmp_path, asks=asks)
        runner.register_training_hooks(
            optimizer={}, checkpoint={"every": {"iters": 100}, "keep_best": "toy/AP", "keep_last": "all"}
        )
        runner.register_hook({"type": "Evaluation", "every": {"iters": 4}}, name="evaluate")

        def evaluate():
            for done in (1, 2, 3):
                if runner.iter == 4 and done == 2:
                    asks.add_signal("SIGTERM")
                runner.between_batches(done)
            measured.append(runner.iter)
            return {"toy/AP": -float(runner.iter)}  # the first is the best

        runner.evaluate = evaluate
        return runner

    measured: list[int] = []
    runner = runner_of(Asks(), measured)
    runner.run([toy_loader(size=24, batch=4)], [("train", 1)], 2)
    assert (runner.iter, runner.stop_reason, runner.metrics, measured) == (4, "SIGTERM", {}, [])

    asks = Asks()
    asks.add_signal = lambda name: None
    resumed = runner_of(asks, measured)
    resumed.resume(tmp_path)
    resumed.run([toy_loader(size=24, batch=4)], [("train", 1)], 2)
    assert measured == [4, 8, 12]
    assert resumed.progress.best["toy/AP"].iter == 4
    assert '"checkpoint": "iter_00000004"' in (tmp_path / FOLDER / "best.json").read_text()


def test_only_reasons_from_outside_break_an_evaluation_off():
    runner = toy_runner()
    runner.request_stop("enough")
    runner.between_batches(1)
    asked_to = toy_runner()
    asked_to.request_stop("stop")
    with pytest.raises(Abandoned):
        asked_to.between_batches(1)


def test_a_step_touches_no_file(tmp_path):
    """Whatever is looked for in files, the watching thread looks for; but for the memory in use, once a log window."""
    touched, steps = [], []

    def audit(event, arguments):
        if steps and threading.current_thread() is threading.main_thread() and event in ("open", "os.listdir"):
            touched.append((event, arguments))

    class Counts(Hook):
        priority = "VERY_HIGH"

        def before_train_iter(self, runner):
            steps.append(runner.iter)

        def after_train_epoch(self, runner):
            steps.clear()

    runner = toy_runner(tmp_path, asks=Asks())
    runner.register_training_hooks(optimizer={})
    runner.register_hook(Counts())
    sys.addaudithook(audit)
    runner.run([toy_loader(size=400, batch=4)], [("train", 1)], 1)
    windows = runner.iter // 50
    own_memory = [path for _, (path, *_) in touched if path == f"/proc/{os.getpid()}/statm"]
    assert runner.iter == 100 and len(own_memory) == len(touched) <= windows
    steps.append(0)
    with open(os.devnull):
        steps.clear()
    assert len(touched) == len(own_memory) + 1  # it would have been seen
