"""LogWindow: when losses are averaged, and what is logged beside them."""

import time
from typing import TYPE_CHECKING, ClassVar

import torch

from specdet.runner.hooks.base import Hook
from specdet.runner.spec import PeriodSpec

if TYPE_CHECKING:
    from specdet.runner.runner import Runner


class LogWindow(Hook):
    """Ends a window of `log_buffer` every so often, and at the end of an epoch; whoever logs comes after it.

    Adds to the averages: `lr` of the first parameter group, `time` and of it `data_time`, the mean seconds of a step
    (without what hooks do besides, such as saving), and on a GPU `memory`, the most that was allocated, in MiB.

    Attributes:
        first_iter: The first step of the open window, counted from 1.
    """

    priority: ClassVar[str] = "LOW"

    def __init__(self, every: PeriodSpec):
        self.every = every
        self.first_iter = 1
        self._start(0)

    def before_run(self, runner: "Runner") -> None:
        self._start(runner.iter)

    def before_train_iter(self, runner: "Runner") -> None:
        if runner.log_buffer.ready:
            runner.log_buffer.clear_output()
        self._data_time += runner.data_seconds
        self._step_start = time.perf_counter() - runner.data_seconds

    def after_train_iter(self, runner: "Runner") -> None:
        self._time += time.perf_counter() - self._step_start
        if self.every.after_iter(runner.iter):
            self._end(runner)

    def after_train_epoch(self, runner: "Runner") -> None:
        runner.log_buffer.clear_output()
        self._end(runner)

    def before_val_epoch(self, runner: "Runner") -> None:
        self._end(runner)  # where max_iters ended the training in the midst of an epoch

    def after_run(self, runner: "Runner") -> None:
        runner.log_buffer.clear_output()
        self._end(runner)

    def _start(self, iter: int) -> None:
        self.first_iter = iter + 1
        self._time = self._data_time = self._step_start = 0.0

    def _end(self, runner: "Runner") -> None:
        if not runner.log_buffer.pending:
            return
        output = runner.log_buffer.average()
        runner.check_finite(runner.log_buffer.nonfinite)
        steps = max(1, runner.iter - self.first_iter + 1)
        if runner.optimizer is not None:
            output["lr"] = float(runner.optimizer.param_groups[0]["lr"])
        output["time"], output["data_time"] = self._time / steps, self._data_time / steps
        if runner.accelerator.device.type == "cuda":
            output["memory"] = torch.cuda.max_memory_allocated() / 2**20
        self._start(runner.iter)
