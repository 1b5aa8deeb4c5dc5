"""EvaluationHook: metrics during training."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from specdet.runner.hooks.base import Hook
from specdet.runner.spec import EvaluationHookSpec

if TYPE_CHECKING:
    from specdet.runner.runner import Runner


class EvaluationHook(Hook):
    """Calls `runner.evaluate` every so often and at the end of the training; does nothing where there is none.

    An evaluation that was broken off, since the run was to stop, is made up for when the run is resumed.
    """

    def __init__(self, spec: EvaluationHookSpec):
        self.spec = spec
        self._last = -1
        self._owed = False

    def before_run(self, runner: "Runner") -> None:
        if runner.evaluate is None:
            runner.logger.info("nothing is evaluated during training: the spec has no [eval]")

    def before_train_epoch(self, runner: "Runner") -> None:
        if self._owed:
            self._evaluate(runner)

    def after_train_iter(self, runner: "Runner") -> None:
        if self.spec.every.after_iter(runner.iter):
            self._evaluate(runner)

    def after_train_epoch(self, runner: "Runner") -> None:
        if self.spec.every.after_epoch(runner.epoch):
            self._evaluate(runner)

    def after_run(self, runner: "Runner") -> None:
        if runner.stop_reason is None and self._last != runner.iter:
            self._evaluate(runner)

    def state_dict(self) -> dict[str, Any]:
        return {"last": self._last, "owed": self._owed}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._last = state["last"]
        self._owed = state.get("owed", False)  # checkpoints of before there was such a thing

    def _evaluate(self, runner: "Runner") -> None:
        if runner.evaluate is None:
            return
        self._owed = not runner.measure()
        if not self._owed:
            self._last = runner.iter
