"""ControlHook: does what a run is asked for, on all ranks together, and says what came of it."""

import logging
from collections.abc import Collection
from typing import TYPE_CHECKING, ClassVar

from accelerate import Accelerator

from specdet.runner.agreement import Agreement
from specdet.runner.asks import CHECKPOINT, EVALUATE, EXIT_CODES, STOP, STOP_NOW, Asks, first_stop
from specdet.runner.checkpoint import checkpoint_name
from specdet.runner.hooks.base import Hook
from specdet.runner.hooks.checkpoint import CheckpointHook
from specdet.runs.control import Command, finish

if TYPE_CHECKING:
    from specdet.runner.runner import Runner

logger = logging.getLogger("specdet")

DONE = "done"


class Abandoned(Exception):
    """An evaluation was left in its midst, on all ranks, since the run is to stop."""


class ControlHook(Hook):
    """Acts between two steps, and within evaluations where the run is to stop; part of every runner.

    Comes after the checkpoint of a step and before whoever tells of it.

    Args:
        asks: What this process is asked for.
        accelerator: Of the runner.
    """

    priority: ClassVar[str] = "VERY_LOW"

    def __init__(self, asks: Asks, *, accelerator: Accelerator):
        self._asks = asks
        self._steps = self._batches = Agreement(accelerator)

    def after_train_iter(self, runner: "Runner") -> None:
        self._heed(runner)

    def after_train_epoch(self, runner: "Runner") -> None:
        self._heed(runner)

    def after_val_epoch(self, runner: "Runner") -> None:
        self._heed(runner)

    def after_run(self, runner: "Runner") -> None:
        for command in self._asks.take():
            _acknowledge(runner, command, outcome=_outcome_at_end(runner, command))

    def on_exception(self, runner: "Runner") -> None:
        for command in self._asks.take():
            _acknowledge(runner, command, outcome=f"not done: the training failed: {runner.exception}")

    def leaves(self, runner: "Runner", *, batch: int) -> bool:
        """Whether to leave an evaluation, since the run is to stop. Every rank asks after each batch.

        Args:
            batch: Which one it was, from 1.
        """
        if batch == 1:  # batches take another time than steps: the ranks find their pace anew
            self._batches = Agreement(runner.accelerator)
        if runner.stop_reason not in EXIT_CODES:
            reason = first_stop(self._batches.agreed(self._asks.names))
            if reason is not None:
                runner.request_stop(reason)
        return runner.stop_reason in EXIT_CODES

    def _heed(self, runner: "Runner") -> None:
        if runner.stop_reason is not None:
            return
        asked = self._steps.agreed(self._asks.names)
        if not asked:
            return
        reason = first_stop(asked)
        if reason is not None:
            runner.request_stop(reason)
            return
        self._act(runner, asked)

    def _act(self, runner: "Runner", asked: Collection[str]) -> None:
        # Evaluation first, so that the checkpoint knows the metrics. Only the main rank has commands to take.
        for kind, act in ((EVALUATE, _evaluate), (CHECKPOINT, _save)):
            if kind in asked and runner.stop_reason is None:
                commands = self._asks.take((kind,))  # before acting: what is asked for meanwhile is for the next time
                outcome = act(runner)
                for command in commands:
                    _acknowledge(runner, command, outcome=outcome)


def _evaluate(runner: "Runner") -> str:
    if runner.evaluate is None:
        return "there is nothing to evaluate: the spec has no [eval] or no data.val"
    if not runner.measure():
        return "not done: the training was stopped first"
    for hook in _checkpoint_hooks(runner):
        hook.save(runner, due=False)  # where these are the best weights so far
    return DONE


def _save(runner: "Runner") -> str:
    if not _is_saved(runner):
        hooks = _checkpoint_hooks(runner)
        for hook in hooks:
            hook.save(runner, due=True)
        if not hooks:
            runner.save_checkpoint()
    return DONE


def _outcome_at_end(runner: "Runner", command: Command) -> str:
    if command.kind in (STOP, STOP_NOW):
        if runner.stop_reason not in EXIT_CODES:
            return "not done: the training had ended already"
        if runner.stop_reason != STOP_NOW and not _is_saved(runner):
            return "stopped, but nothing was saved: the spec has no Checkpoint hook"
        return DONE
    if command.kind == CHECKPOINT and _is_saved(runner):
        return DONE
    return "not done: the training ended first"


def _is_saved(runner: "Runner") -> bool:
    return runner.work_dir is not None and runner.last_checkpoint == runner.checkpoint_folder / checkpoint_name(
        runner.iter
    )


def _checkpoint_hooks(runner: "Runner") -> list[CheckpointHook]:
    return [hook for hook in runner.hooks if isinstance(hook, CheckpointHook)]


def _acknowledge(runner: "Runner", command: Command, *, outcome: str) -> None:
    assert runner.work_dir is not None, "commands come from a run directory"
    logger.info("%s, asked for by %s: %s", command.kind, command.by, outcome)
    for listener in runner.command_listeners:
        listener(command, outcome)
    try:
        finish(runner.work_dir, command, outcome=outcome)
    except OSError as error:  # whoever asked sees the event, and a run does not end over an answer
        logger.warning("the answer to a command could not be written: %s", error)
