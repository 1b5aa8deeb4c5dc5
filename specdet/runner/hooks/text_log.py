"""TextLogHook: what a person watches."""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from specdet.runner.hooks.base import Hook
from specdet.runner.hooks.fresh_metrics import FreshMetrics
from specdet.runner.spec import TextLogHookSpec

if TYPE_CHECKING:
    from specdet.runner.runner import Runner


class TextLogHook(Hook):
    """Logs each window and each set of metrics as one line, with a progress bar where the output is a terminal.

    Only the main rank writes.
    """

    priority: ClassVar[str] = "VERY_LOW"

    def __init__(self, spec: TextLogHookSpec):
        self.spec = spec
        self._bar: Progress | None = None
        self._fresh = FreshMetrics()

    def before_run(self, runner: "Runner") -> None:
        self._fresh.skip(runner.progress)
        console = Console(stderr=True)
        if not (self.spec.bar and runner.is_main and console.is_terminal):
            return
        # Anything that is logged meanwhile goes through sys.stderr, which the bar redirects above itself.
        columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        self._bar = Progress(TextColumn("epoch {task.fields[epoch]}"), *columns, console=console)
        self._task = self._bar.add_task("", total=runner.max_iters, completed=runner.iter, epoch=runner.epoch)
        self._bar.start()

    def after_train_iter(self, runner: "Runner") -> None:
        if self._bar is not None:
            # Told, not drawn: a thread of the bar draws ten times a second.
            self._bar.update(self._task, completed=runner.iter, epoch=runner.epoch)
        self._write(runner)

    def after_train_epoch(self, runner: "Runner") -> None:
        self._write(runner)

    def after_val_epoch(self, runner: "Runner") -> None:
        self._write_metrics(runner)

    def after_run(self, runner: "Runner") -> None:
        self._write(runner)
        self._end_bar()

    def rewind(self, runner: "Runner") -> None:
        self._fresh = FreshMetrics()
        self._fresh.skip(runner.progress)

    def on_exception(self, runner: "Runner") -> None:
        self._end_bar()

    def _end_bar(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _write(self, runner: "Runner") -> None:
        buffer = runner.log_buffer
        if buffer.ready:
            left = timedelta(seconds=round(((runner.max_iters or 0) - runner.iter) * buffer.output["time"]))
            place = f"epoch {runner.epoch} iter {runner.iter}/{runner.max_iters}"
            runner.logger.info("%s  eta %s  %s", place, left, _numbers(buffer.output))
        self._write_metrics(runner)

    def _write_metrics(self, runner: "Runner") -> None:
        fresh = self._fresh.take(runner.progress)
        if fresh:
            runner.logger.info("iter %d  metrics  %s", runner.iter, _numbers(fresh))


def _numbers(values: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {value:.4g}" for name, value in values.items())
