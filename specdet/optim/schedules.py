"""Learning-rate schedules as pure functions of the step: nothing to step, nothing to save, nothing to restore.

Each gives a factor on every group's initial learning rate. The values are those of the early mmcv LR hooks: what the
schedule says at this point of the training, times the warm-up.
"""

import math
from abc import ABC, abstractmethod
from bisect import bisect_right
from typing import Generic, TypeVar

from specdet.optim.spec import (
    ConstantScheduleSpec,
    CosineScheduleSpec,
    PolyScheduleSpec,
    ScheduleSpec,
    StepScheduleSpec,
)
from specdet.optim.warmup import warmup_factor

S = TypeVar("S", bound=ScheduleSpec)
F = TypeVar("F", CosineScheduleSpec, PolyScheduleSpec)


class Schedule(ABC, Generic[S]):
    """A learning rate over time."""

    def __init__(self, spec: S):
        self.spec = spec

    def factor(self, *, iter: int, iters_per_epoch: int, max_iters: int) -> float:
        """What to multiply the initial learning rate with for the coming step.

        Args:
            iter: Optimizer steps done so far.
            iters_per_epoch: Optimizer steps of one epoch.
            max_iters: Optimizer steps of the whole training.
        """
        assert iter >= 0 and iters_per_epoch >= 1 and max_iters >= 1
        regular = self.regular(iter=iter, iters_per_epoch=iters_per_epoch, max_iters=max_iters)
        return regular * warmup_factor(self.spec, iter=iter)

    @abstractmethod
    def regular(self, *, iter: int, iters_per_epoch: int, max_iters: int) -> float:
        """The factor without warm-up."""


class ConstantSchedule(Schedule[ConstantScheduleSpec]):
    """1 throughout."""

    def regular(self, *, iter: int, iters_per_epoch: int, max_iters: int) -> float:
        return 1.0


class StepSchedule(Schedule[StepScheduleSpec]):
    """`gamma` to the number of milestones that have passed."""

    def regular(self, *, iter: int, iters_per_epoch: int, max_iters: int) -> float:
        now = iter // iters_per_epoch if self.spec.by == "epoch" else iter
        return self.spec.gamma ** bisect_right(self.spec.milestones, now)


class FallingSchedule(Schedule[F]):
    """From 1 at the start to `min_factor` at the end, along the curve of a subclass."""

    def regular(self, *, iter: int, iters_per_epoch: int, max_iters: int) -> float:
        now, end = iter, max_iters
        if self.spec.by == "epoch":
            now, end = iter // iters_per_epoch, math.ceil(max_iters / iters_per_epoch)
        floor = self.spec.min_factor
        return floor + (1.0 - floor) * self.remaining(min(now / end, 1.0))

    @abstractmethod
    def remaining(self, done: float) -> float:
        """1 where `done`, the share of the training behind us, is 0, and 0 where it is 1; it never rises."""


class CosineSchedule(FallingSchedule[CosineScheduleSpec]):
    """Half a cosine."""

    def remaining(self, done: float) -> float:
        return 0.5 * (1.0 + math.cos(math.pi * done))


class PolySchedule(FallingSchedule[PolyScheduleSpec]):
    """A power of what is left."""

    def remaining(self, done: float) -> float:
        return (1.0 - done) ** self.spec.power
