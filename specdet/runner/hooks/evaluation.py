"""EvaluationHook: metrics during training."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from specdet.runner.hooks.base import Hook
from specdet.runner.spec import EvaluationHookSpec
from specdet.runs.evaluations import forget_later, write_details

if TYPE_CHECKING:
    from specdet.runner.runner import Runner


class EvaluationHook(Hook):
    """Calls `runner.evaluate` every so often and at the end of the training; does nothing where there is none.

    An evaluation that was broken off, since the run was to stop, is made up for when the run is resumed. What
    evaluators tell besides numbers goes to `evaluations/` of the run directory.
    """

    def __init__(self, spec: EvaluationHookSpec):
        self.spec = spec
        self._runner: Runner | None = None
        self._last = -1
        self._owed = False

    def before_run(self, runner: "Runner") -> None:
        if runner.evaluate is None:
            runner.logger.info("nothing is evaluated during training: the spec has no [eval]")
        if runner.work_dir is None or not runner.is_main:
            return
        self._runner = runner
        if self._on_details not in runner.details_listeners:
            runner.details_listeners.append(self._on_details)
        self._try(forget_later)

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

    def rewind(self, runner: "Runner") -> None:
        if self._runner is not None:
            self._try(forget_later)

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

    def _on_details(self, details: Mapping[str, Any]) -> None:
        self._try(lambda run, iter: self._store(details))

    def _store(self, details: Mapping[str, Any]) -> None:
        runner = self._runner
        assert runner is not None and runner.work_dir is not None
        path = write_details(runner.work_dir, details, iter=runner.iter, epoch=runner.epoch)
        runner.tell("media", {"path": str(path.relative_to(runner.work_dir)), "size": path.stat().st_size})

    def _try(self, change: Callable[..., None]) -> None:
        """A full disk costs the details, not the training."""
        runner = self._runner
        assert runner is not None
        try:
            change(runner.work_dir, iter=runner.iter)
        except OSError as error:
            runner.logger.warning("details of the evaluation at iter %d could not be kept: %s", runner.iter, error)
