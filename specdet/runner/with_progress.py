"""WithProgress: the part of a runner that knows how far it has come, and of how far."""

from collections.abc import Mapping

from specdet.runner.asks import exit_code
from specdet.runner.plan import Plan
from specdet.runner.progress import Progress


class WithProgress:
    """Has a position, a plan of the whole run, and maybe a reason to stop before it is done.

    Attributes:
        progress: Position and metrics, see `Progress`.
        plan: What `run` was asked for.
        stop_reason: Why the run was asked to stop, None while it was not.
    """

    def __init__(self) -> None:
        super().__init__()
        self.progress = Progress()
        self.plan = Plan()
        self.stop_reason: str | None = None

    @property
    def iter(self) -> int:
        """Optimizer steps completed."""
        return self.progress.iter

    @property
    def epoch(self) -> int:
        """Training epochs completed."""
        return self.progress.epoch

    @property
    def max_epochs(self) -> int | None:
        """Training epochs of the whole run, the last of which may not be whole."""
        return self.plan.max_epochs

    @property
    def max_iters(self) -> int | None:
        """Optimizer steps of the whole run."""
        return self.plan.max_iters

    @property
    def metrics(self) -> dict[str, float]:
        """The last value of each metric."""
        return self.progress.metrics

    @property
    def complete(self) -> bool:
        """Whether all that `run` was asked for is trained."""
        return self.plan.is_complete(epoch=self.epoch, iter=self.iter)

    @property
    def exit_code(self) -> int:
        """What the process should exit with: 0, or that of what stopped the run."""
        return exit_code(self.stop_reason)

    def request_stop(self, reason: str) -> None:
        """End the run after this step. Every rank asks at the same step, as it does from equal metrics."""
        self.stop_reason = self.stop_reason or reason

    def record_metrics(self, metrics: Mapping[str, float]) -> None:
        """Take over metrics that were measured now."""
        self.progress.record(metrics)
