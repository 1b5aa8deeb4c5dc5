"""EarlyStoppingHook: no training beyond what helps."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from specdet.runner.hooks.base import Hook
from specdet.runner.hooks.metric_watch import MetricWatch
from specdet.runner.spec import EarlyStoppingHookSpec

if TYPE_CHECKING:
    from specdet.runner.runner import Runner


class EarlyStoppingHook(Hook):
    """Asks the runner to stop when `patience` evaluations in a row have brought nothing better."""

    priority: ClassVar[str] = "BELOW_NORMAL"

    def __init__(self, spec: EarlyStoppingHookSpec):
        self.spec = spec
        self._watch = MetricWatch(metric=spec.metric, lower=spec.mode == "min", min_delta=spec.min_delta)
        self._in_vain = 0

    def after_train_iter(self, runner: "Runner") -> None:
        self._after(runner)

    def after_train_epoch(self, runner: "Runner") -> None:
        self._after(runner)

    def after_val_epoch(self, runner: "Runner") -> None:
        self._after(runner)

    def state_dict(self) -> dict[str, Any]:
        return {**self._watch.state_dict(), "in_vain": self._in_vain}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._watch.load_state_dict(state)
        self._in_vain = state["in_vain"]

    def _after(self, runner: "Runner") -> None:
        better = self._watch.look(runner)
        if better is None:
            return
        self._in_vain = 0 if better else self._in_vain + 1
        if self._in_vain >= self.spec.patience:
            runner.request_stop(
                f"{self.spec.metric} has not got better than {self._watch.best} in {self._in_vain} evaluations"
            )
