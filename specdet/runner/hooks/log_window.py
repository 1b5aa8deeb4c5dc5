"""LogWindow: when losses are averaged, and what is logged beside them."""

import time
from typing import TYPE_CHECKING, ClassVar

import psutil
import torch

from specdet.runner.hooks.base import Hook
from specdet.runner.spec import PeriodSpec

if TYPE_CHECKING:
    from specdet.runner.runner import Runner


class LogWindow(Hook):
    """Ends a window of `log_buffer` every so often, and at the end of an epoch; whoever logs comes after it.

    Adds to the averages: `lr` of the first parameter group; `time` and of it `data_time`, the mean seconds of a step
    (without what hooks do besides, such as saving); `images_per_s` of all ranks together in that time; `host_memory`,
    what this process holds, and on a GPU `memory`, the most that was allocated, both in MiB; `skipped_steps` of the run
    so far, once there are some; in fp16 `loss_scale`. The time of a window ends when its averages are there, as only
    then the device has done all of it.

    Attributes:
        first_iter: The first step of the open window, counted from 1.
    """

    priority: ClassVar[str] = "LOW"

    def __init__(self, every: PeriodSpec):
        self.every = every
        self.first_iter = 1
        self._process = psutil.Process()
        self.restart(0)

    def before_run(self, runner: "Runner") -> None:
        self.restart(runner.iter)

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

    def restart(self, iter: int) -> None:
        """Open a window after `iter` steps."""
        self.first_iter = iter + 1
        self._time = self._data_time = self._step_start = 0.0

    def _end(self, runner: "Runner") -> None:
        if not runner.log_buffer.pending:
            return
        waited_since = time.perf_counter()
        output = runner.log_buffer.average()
        self._time += time.perf_counter() - waited_since
        runner.check_finite(runner.log_buffer.nonfinite, closes=True)
        runner.recent_steps.clear()
        steps = max(1, runner.iter - self.first_iter + 1)
        if runner.optimizer is not None:
            output["lr"] = float(runner.optimizer.param_groups[0]["lr"])
        output["time"], output["data_time"] = self._time / steps, self._data_time / steps
        output["images_per_s"] = runner.log_buffer.samples / self._time if self._time > 0 else 0.0
        output["host_memory"] = self._process.memory_info().rss / 2**20
        if runner.accelerator.device.type == "cuda":
            output["memory"] = torch.cuda.max_memory_allocated() / 2**20
        if runner.progress.skipped_steps:
            output["skipped_steps"] = float(runner.progress.skipped_steps)
        if runner.accelerator.scaler is not None:
            output["loss_scale"] = runner.accelerator.scaler.get_scale()
        self.restart(runner.iter)
