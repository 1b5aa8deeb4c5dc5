"""CheckpointHook: when checkpoints are written, and which are kept."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from specdet.runner.asks import STOP_NOW
from specdet.runner.checkpoint import checkpoint_name, prune
from specdet.runner.hooks.base import Hook
from specdet.runner.hooks.metric_watch import MetricWatch
from specdet.runner.spec import CheckpointHookSpec
from specdet.runs.files import write_json

if TYPE_CHECKING:
    from specdet.runner.runner import Runner

BEST = "best.json"


class CheckpointHook(Hook):
    """Writes a checkpoint every so often, when the watched metric is at its best, and at the end, however that comes.

    Comes after evaluation, so that a checkpoint knows the metrics of its weights. The newest and the best are never
    removed; `checkpoints/best.json` names the best.
    """

    priority: ClassVar[str] = "LOW"

    def __init__(self, spec: CheckpointHookSpec):
        self.spec = spec
        self._watch = None if spec.keep_best is None else MetricWatch(metric=spec.keep_best, lower=spec.mode == "min")

    def before_run(self, runner: "Runner") -> None:
        if runner.work_dir is None:
            raise ValueError("the Checkpoint hook needs a place to write to: give the Runner a work_dir")

    def before_train_epoch(self, runner: "Runner") -> None:
        self.save(runner, due=False)  # a resumed run may have made up for an evaluation that was broken off

    def after_train_iter(self, runner: "Runner") -> None:
        self.save(runner, due=self.spec.every.after_iter(runner.iter))

    def after_train_epoch(self, runner: "Runner") -> None:
        self.save(runner, due=self.spec.every.after_epoch(runner.epoch))

    def after_val_epoch(self, runner: "Runner") -> None:
        self.save(runner, due=False)

    def after_run(self, runner: "Runner") -> None:
        self.save(runner, due=True)

    def state_dict(self) -> dict[str, Any]:
        return self._watch.state_dict() if self._watch else {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        if self._watch:
            self._watch.load_state_dict(state)

    def save(self, runner: "Runner", *, due: bool) -> None:
        """Write a checkpoint where it is due or the best so far, and remove old ones. All ranks together."""
        if runner.stop_reason == STOP_NOW:
            return
        try:
            is_best = self._watch is not None and self._watch.look(runner)
        except ValueError:
            if due:  # whatever is wrong with the metric, what was trained is kept
                runner.save_checkpoint()
            raise
        if not due and not is_best:
            return
        path = runner.checkpoint_folder / checkpoint_name(runner.iter)
        if runner.last_checkpoint != path:  # the weights of a step are saved once, by whichever hook point comes first
            runner.save_checkpoint()
        if not runner.is_main:
            return
        if is_best and self._watch is not None:
            write_json(runner.checkpoint_folder / BEST, {"checkpoint": path.name, "iter": runner.iter,
                       "metric": self._watch.metric, "value": self._watch.best})  # fmt: skip
        for removed in prune(runner.checkpoint_folder, keep_last=self.spec.keep_last, keep=self._best(runner)):
            runner.logger.info("removed %s", removed)

    def _best(self, runner: "Runner") -> list[Path]:
        if self._watch is None or self._watch.best is None:
            return []
        return [runner.checkpoint_folder / checkpoint_name(self._watch.iter)]
