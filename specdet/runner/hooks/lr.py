"""LrHook: the learning rate as a function of the step."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from torch import Tensor

from specdet.runner.hooks.base import Hook
from specdet.spec import Spec
from specdet.spec.structure import structure_component

if TYPE_CHECKING:
    from specdet.runner.runner import Runner


class Schedule(Protocol):
    """A pure function of the clock, so that it has no state to save."""

    def factor(self, *, iter: int, iters_per_epoch: int, max_iters: int) -> float:
        """What the initial learning rates are multiplied by for step `iter`, counted from 0."""
        ...


def build_schedule(value: Schedule | Spec | Mapping[str, Any]) -> Schedule:
    """The schedule of a spec or a table; a schedule is given back. Raises SpecError."""
    if isinstance(value, Spec | Mapping):
        return structure_component(value, family="schedule").build()
    return value


class LrHook(Hook):
    """Writes `initial_lr * schedule.factor(...)` into each parameter group before every step."""

    priority: ClassVar[str] = "VERY_HIGH"

    def __init__(self, schedule: Schedule):
        self.schedule = schedule

    def before_run(self, runner: "Runner") -> None:
        if runner.optimizer is None:
            raise ValueError("a learning rate schedule needs an optimizer: give the Runner one")
        for group in runner.optimizer.param_groups:
            group.setdefault("initial_lr", float(group["lr"]))

    def before_train_iter(self, runner: "Runner") -> None:
        assert runner.optimizer is not None
        max_iters = runner.max_iters or runner.iters_per_epoch  # a lone train() is one epoch
        factor = self.schedule.factor(iter=runner.iter, iters_per_epoch=runner.iters_per_epoch, max_iters=max_iters)
        for group in runner.optimizer.param_groups:
            if isinstance(group["lr"], Tensor):  # as captured or compiled optimizers have it
                group["lr"].fill_(group["initial_lr"] * factor)
            else:
                group["lr"] = group["initial_lr"] * factor
