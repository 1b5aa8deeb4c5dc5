"""TensorBoardHook: curves for TensorBoard."""

from typing import TYPE_CHECKING, ClassVar

from specdet.runner.hooks.base import Hook
from specdet.runner.hooks.fresh_metrics import FreshMetrics
from specdet.runner.spec import TensorBoardHookSpec

if TYPE_CHECKING:
    from specdet.runner.runner import Runner


class TensorBoardHook(Hook):
    """Writes each window and each set of metrics as scalars over optimizer steps. Main rank only."""

    priority: ClassVar[str] = "VERY_LOW"

    def __init__(self, spec: TensorBoardHookSpec):
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise ImportError(
                "the TensorBoard hook needs a package that is not installed: pip install 'specdet[tensorboard]', "
                "or remove the hook"
            ) from error
        self.spec = spec
        self._make_writer = SummaryWriter
        self._writer: SummaryWriter | None = None
        self._fresh = FreshMetrics()

    def before_run(self, runner: "Runner") -> None:
        if runner.work_dir is None:
            raise ValueError("the TensorBoard hook needs a place to write to: give the Runner a work_dir")
        if runner.is_main:
            # Points of an earlier attempt beyond where this one resumes are dropped by TensorBoard.
            self._writer = self._make_writer(str(runner.work_dir / self.spec.folder), purge_step=runner.iter + 1)
            self._fresh.skip(runner.progress)

    def after_train_iter(self, runner: "Runner") -> None:
        self._write(runner)

    def after_train_epoch(self, runner: "Runner") -> None:
        self._write(runner)

    def after_val_epoch(self, runner: "Runner") -> None:
        self._write(runner)

    def after_run(self, runner: "Runner") -> None:
        self._write(runner)
        self._close()

    def rewind(self, runner: "Runner") -> None:
        self._close()
        self._fresh = FreshMetrics()
        self.before_run(runner)

    def on_exception(self, runner: "Runner") -> None:
        self._close()

    def _write(self, runner: "Runner") -> None:
        if self._writer is None:
            return
        values = dict(runner.log_buffer.output) if runner.log_buffer.ready and runner.mode == "train" else {}
        fresh = self._fresh.take(runner.progress)
        for name, value in {**values, **fresh}.items():
            self._writer.add_scalar(name, value, runner.iter)

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
