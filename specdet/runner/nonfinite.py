"""What happens when losses or weights are no finite numbers any more: end, leave steps out, or go back."""

from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from accelerate.utils import gather_object
from torch import Tensor

from specdet.runner.accelerator import precision_of
from specdet.runner.checkpoint import checkpoint_name
from specdet.runs.files import write_json

if TYPE_CHECKING:
    from specdet.runner.runner import Runner

Policy = Literal["raise", "skip", "rollback"]
FOLDER = "nonfinite"
VERSION = 1
MOST_TOLD = 20  # files that tell of bad steps


class RollBack(FloatingPointError):
    """The run is to go on from its last checkpoint."""


class Nonfinite:
    """Looks, once a window and before each checkpoint, whether losses and weights are still numbers.

    Nothing is read from the device in between, unless steps are guarded: a guarded step whose gradient is not finite
    changes neither weights nor buffers nor the optimizer; it counts as a step of the schedule. That takes a look at
    each step. Under the policy "skip" all steps are guarded; under "rollback" those between the checkpoint that the run
    went back to and the place where something was wrong, which would else come again, as trainings are deterministic.
    In fp16 the scaler guards all steps by itself, and an overflow is nothing to be told of.

    Args:
        runner: Whose numbers they are.
        policy: What to do.
        most: More steps than this left out one after the other end the run all the same; None for no bound.

    Attributes:
        left_out: Whether the step that was taken last was not.
        rollbacks: How often the run has gone back, as far as this process knows.
    """

    def __init__(self, runner: "Runner", *, policy: Policy, most: int | None):
        self._runner, self.policy, self._most = runner, policy, most
        self._buffers: list[Tensor] = []
        self._iters: list[int] = []  # left out in this window
        self.left_out = False
        self.rollbacks = 0

    @property
    def guards(self) -> bool:
        """Whether the step that is being taken is guarded."""
        if self._runner.accelerator.scaler is not None:
            return False
        return self.policy == "skip" or self._runner.iter < self._runner.progress.guarded_until

    def begin_step(self) -> None:
        """Before a step that may be guarded: keep what its forward pass changes."""
        self.left_out = False
        if self.guards:
            self._buffers = [buffer.clone() for buffer in self._runner.unwrapped_model.buffers()]

    def leaves_out(self, norm: Tensor | None) -> bool:
        """Whether a guarded step must not be taken; then all is as before it. Waits for the device.

        Args:
            norm: () of the gradient, where it is known.

        Raises:
            FloatingPointError: After too many in a row.
        """
        runner = self._runner
        if norm is None:
            parameters = runner.unwrapped_model.parameters()
            norm = _largest(parameter.grad for parameter in parameters if parameter.grad is not None)
        if bool(norm.isfinite()):
            runner.progress.skipped_in_a_row = 0
            return False
        for buffer, before in zip(runner.unwrapped_model.buffers(), self._buffers, strict=True):
            buffer.copy_(before)
        self.left_out = True
        self._iters.append(runner.iter + 1)
        runner.progress.skipped_steps += 1
        runner.progress.skipped_in_a_row += 1
        if self._most is not None and runner.progress.skipped_in_a_row > self._most:
            counts = {"gradient": runner.progress.skipped_in_a_row}
            raise FloatingPointError(self._sentence(counts, first_iter=runner.iter + 2 - counts["gradient"]))
        return True

    def check(self, counts: Mapping[str, int], *, first_iter: int, closes: bool) -> None:
        """Act where something is wrong. All ranks together.

        Args:
            counts: How many values were not finite, by name, over all ranks.
            first_iter: The first step that they were counted over, from 1; the last is the runner's.
            closes: Whether the window ends here; what was left out in it is told once, at its end.

        Raises:
            RollBack, FloatingPointError: As the policy says; the message tells what, when, on which images, and what to
                try.
        """
        losses = {name: count for name, count in counts.items() if "loss" in name.split("/")}
        spoilt = self._spoilt()
        iters = self._iters
        if closes:
            self._iters = []
        guarded = self.policy == "skip" or self._runner.iter <= self._runner.progress.guarded_until
        if (not losses and not spoilt and not iters) or (guarded and not spoilt and not closes):
            return
        left_out = {"gradient": len(iters)} if iters else {}
        sentence = self._sentence({**losses, **left_out, **dict.fromkeys(spoilt, 1)}, first_iter=first_iter)
        if guarded and not spoilt:
            message = f"{len(iters)} steps were left out ({', '.join(map(str, iters))}): {sentence}"
            self._runner.logger.warning(message)
            self._runner.tell("log", {"level": "warning", "message": message})
        elif self.policy == "rollback":
            raise RollBack(sentence)
        else:
            raise FloatingPointError(sentence)

    def _spoilt(self) -> list[str]:
        """Weights and running means that are not finite on some rank, a few; most often a single read of the device."""
        runner = self._runner
        model = runner.unwrapped_model
        fine = _largest(chain(model.parameters(), model.buffers())).isfinite().float()
        if bool(runner.accelerator.reduce(fine, reduction="sum") == runner.world_size):
            return []
        named = chain(model.named_parameters(), model.named_buffers())
        own = [name for name, value in named if not bool(value.isfinite().all())][:5]
        return sorted({*gather_object(own)}) if runner.world_size > 1 else own

    def _sentence(self, counts: Mapping[str, int], *, first_iter: int) -> str:
        runner = self._runner
        listed = ", ".join(f"{name} ({count} times)" for name, count in sorted(counts.items()))
        remedies = [
            "lower optimizer.lr or lengthen the schedule's warm-up",
            "clip gradients (hooks.optimizer.grad_clip)",
            "look at the data with `specdet check --data`",
        ]
        if precision_of(runner.accelerator) == "fp16":
            remedies.insert(0, 'set train.precision to "bf16" or "fp32"')
        if self.policy == "raise":
            remedies.append('leave such steps out (train.on_nonfinite = "skip")')
        return (
            f"not a finite number between iter {first_iter} and {runner.iter}: {listed}{self._first()}. "
            f"Things to try: {'; '.join(remedies)}"
        )

    def _first(self) -> str:
        """Where it began, of all ranks; the steps around it are written down."""
        runner = self._runner
        steps = runner.recent_steps.around_first_bad()
        written = self._write(steps) if steps else None
        first = next((step for step in steps if step["nonfinite"]), None)
        own = [] if first is None else [(first["iter"], runner.rank, first["image_ids"], str(written or ""))]
        told = sorted(gather_object(own) if runner.world_size > 1 else own)
        if not told:
            return ""
        iter, rank, image_ids, path = told[0]
        images = f" on the images {', '.join(map(str, image_ids))}" if image_ids else ""
        where = f" of rank {rank}" if runner.world_size > 1 else ""
        return f"; seen first in iter {iter}{where}{images}" + (f" (see {path})" if path else "")

    def _write(self, steps: list[dict[str, Any]]) -> Path | None:
        runner = self._runner
        if runner.work_dir is None:
            return None
        folder = runner.work_dir / FOLDER
        rank = f".rank{runner.rank}" if runner.world_size > 1 else ""
        path = folder / f"{checkpoint_name(runner.iter)}{rank}.json"
        folder.mkdir(exist_ok=True)
        if len([*folder.iterdir()]) >= MOST_TOLD:
            return None
        document = {"v": VERSION, "found_at": runner.iter, "epoch": runner.epoch, "rank": runner.rank,
                    "seed": runner.seed, "steps": steps}  # fmt: skip
        write_json(path, document)
        return path


def _largest(tensors: Iterable[Tensor]) -> Tensor:
    """() the largest absolute value, NaN where there is one; in a few launches, and without an overflow of its own."""
    floating = [each.detach() for each in tensors if each.is_floating_point() and each.numel()]
    return torch.nn.utils.get_total_norm(floating, norm_type=float("inf"))
