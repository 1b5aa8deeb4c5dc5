"""Hook: something that happens at named points of a run."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from specdet.runner.runner import Runner

POINTS = (
    "before_run",
    "before_train_epoch",
    "before_train_iter",
    # Not among mmcv's points. One iter may be several forward passes, and each needs its backward pass before the next
    # one, or the graphs of all of them would be in memory at once; so whoever calls backward is called after each.
    "after_train_forward",
    "after_train_iter",
    "after_train_epoch",
    "before_val_epoch",
    "before_val_iter",
    "after_val_iter",
    "after_val_epoch",
    "after_run",
    "on_exception",
)
PRIORITIES = ("VERY_HIGH", "HIGH", "ABOVE_NORMAL", "NORMAL", "BELOW_NORMAL", "LOW", "VERY_LOW")


class Hook:
    """The base of all hooks; override the points that matter.

    The runner finds out once which points a hook overrides, so the others cost nothing. Hooks talk to each other
    through the runner: `log_buffer`, `metrics`, `request_stop`.

    Attributes:
        priority: Where the hook stands among others at the same point, one of `PRIORITIES`.
    """

    priority: ClassVar[str] = "NORMAL"

    def before_run(self, runner: "Runner") -> None:
        """Once, before anything is trained; a resumed runner has its weights, and hooks get their state right after."""

    def before_train_epoch(self, runner: "Runner") -> None:
        """Before the first batch of an epoch is loaded; again where an epoch is resumed in its midst."""

    def before_train_iter(self, runner: "Runner") -> None:
        """Before an optimizer step, its batches being loaded; `runner.iter` steps are completed."""

    def after_train_forward(self, runner: "Runner") -> None:
        """After each forward pass: `runner.outputs["loss"]` waits for its backward pass."""

    def after_train_iter(self, runner: "Runner") -> None:
        """After an optimizer step, which `runner.iter` already counts; gradients are still there to be looked at."""

    def after_train_epoch(self, runner: "Runner") -> None:
        """After an epoch, which `runner.epoch` already counts."""

    def before_val_epoch(self, runner: "Runner") -> None:
        """Before a validation epoch; the weights are still those of training."""

    def before_val_iter(self, runner: "Runner") -> None:
        """Before a validation batch."""

    def after_val_iter(self, runner: "Runner") -> None:
        """After a validation batch; `runner.outputs` is what the batch processor gave."""

    def after_val_epoch(self, runner: "Runner") -> None:
        """After a validation epoch; `runner.metrics` has its losses as `val/...`."""

    def after_run(self, runner: "Runner") -> None:
        """Once, when the training is complete or was asked to stop, see `runner.stop_reason`."""

    def on_exception(self, runner: "Runner") -> None:
        """When an exception ends the run; it is `runner.exception`."""

    def rewind(self, runner: "Runner") -> None:
        """No point of the loop: the run has gone back to an earlier iter, and what came later will come again."""

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps of this hook, as JSON values; it is given back under the hook's name."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what `state_dict` gave. Called after `before_run`."""


def overridden_points(hook: Hook) -> list[str]:
    """The points that the class of `hook` overrides.

    Raises:
        TypeError: For a method that is called like a point but is none, since it would never be called.
    """
    for name in dir(type(hook)):
        if name.startswith(("before_", "after_", "on_")) and name not in POINTS:
            raise TypeError(f"{type(hook).__name__}.{name} is not a hook point; the points are {', '.join(POINTS)}")
    return [point for point in POINTS if getattr(type(hook), point) is not getattr(Hook, point)]
