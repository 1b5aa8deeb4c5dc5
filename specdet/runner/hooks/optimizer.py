"""OptimizerHook: from a loss to a step."""

from typing import TYPE_CHECKING, ClassVar

import torch

from specdet.runner.hooks.base import Hook
from specdet.runner.spec import OptimizerHookSpec

if TYPE_CHECKING:
    from specdet.runner.runner import Runner


class OptimizerHook(Hook):
    """Clears gradients before a step; backward after each forward pass; after the last one also clips and steps."""

    priority: ClassVar[str] = "HIGH"

    def __init__(self, spec: OptimizerHookSpec):
        self.spec = spec

    def before_run(self, runner: "Runner") -> None:
        if runner.optimizer is None:
            raise ValueError("the Optimizer hook needs an optimizer: give the Runner one")
        # Accelerate's wrapper looks for a package on the disk at each step, which takes a tenth of a millisecond. All
        # that it adds is the scaler.
        scaled = runner.accelerator.scaler is not None
        self._optimizer: torch.optim.Optimizer = runner.optimizer if scaled else runner.optimizer.optimizer
        self._parameters = [*runner.model.parameters()]

    def before_train_iter(self, runner: "Runner") -> None:
        # Here, not after the step: gradients can be looked at in after_train_iter, and no forward pass holds them.
        self._optimizer.zero_grad()
        runner.nonfinite.begin_step()

    def after_train_forward(self, runner: "Runner") -> None:
        accelerator = runner.accelerator
        assert runner.outputs is not None
        accelerator.backward(runner.outputs["loss"])
        if not accelerator.sync_gradients:  # more batches of this step are to come
            return
        clip, norm = self.spec.grad_clip, None
        if clip is not None:
            norm = accelerator.clip_grad_norm_(self._parameters, clip.max_norm, clip.norm_type)  # pyright: ignore[reportArgumentType]
        if runner.nonfinite.guards and runner.nonfinite.leaves_out(norm):
            return
        self._optimizer.step()
        if accelerator.optimizer_step_was_skipped:
            runner.progress.skipped_steps += 1
        elif norm is not None:
            runner.log_buffer.update({"grad_norm": norm})
