"""Plan: what `Runner.run` was asked for."""

from collections.abc import Sequence
from typing import Any, Literal, Self

import attrs

from specdet.runner.loading import steps_per_epoch
from specdet.runner.progress import Progress

Workflow = Sequence[tuple[str, int]]


@attrs.frozen(kw_only=True)
class Plan:
    """How long to train, and the phases on the way.

    Attributes:
        workflow: Phases and how many epochs of each, over and over.
        unit: What ends the training: "epochs" or "iters".
        max_epochs: Training epochs, the last of which may not be whole; None where nothing was planned.
        max_iters: Optimizer steps.
    """

    workflow: Workflow = (("train", 1),)
    unit: Literal["epochs", "iters"] = "epochs"
    max_epochs: int | None = None
    max_iters: int | None = None

    @classmethod
    def make(
        cls,
        loaders: Sequence[Any],
        workflow: Workflow,
        *,
        max_epochs: int | None,
        max_iters: int | None,
        accumulate: int,
    ) -> Self:
        """A plan, with both lengths known; exactly one is given. Raises ValueError for what cannot be run."""
        if len(loaders) != len(workflow):
            raise ValueError(
                f"run needs one loader for each workflow entry: {len(workflow)} entries, {len(loaders)} loaders"
            )
        for mode, count in workflow:
            if mode not in ("train", "val") or count < 1:
                raise ValueError(
                    f'a workflow entry is ("train", n) or ("val", n), n at least 1; got ({mode!r}, {count!r})'
                )
        trained = next((loader for loader, (mode, _) in zip(loaders, workflow, strict=True) if mode == "train"), None)
        if trained is None:
            raise ValueError("the workflow trains nothing; for one validation epoch call val(loader)")
        steps = steps_per_epoch(trained, accumulate=accumulate)
        if max_epochs is not None and max_iters is None:
            return cls(workflow=tuple(workflow), unit="epochs", max_epochs=max_epochs, max_iters=max_epochs * steps)
        if max_iters is not None and max_epochs is None:
            return cls(workflow=tuple(workflow), unit="iters", max_epochs=-(-max_iters // steps), max_iters=max_iters)
        raise ValueError("run needs either max_epochs or max_iters")

    def is_complete(self, *, epoch: int, iter: int) -> bool:
        """Whether so many epochs and steps are all that was asked for."""
        if self.max_epochs is None or self.max_iters is None:
            return False
        return epoch >= self.max_epochs if self.unit == "epochs" else iter >= self.max_iters

    def advance(self, progress: Progress) -> None:
        """Move to the next place of the workflow, which is told before hooks may save where that is."""
        complete = self.is_complete(epoch=progress.epoch, iter=progress.iter)
        mode, count = self.workflow[progress.entry]
        progress.done += 1
        if progress.done >= count or (mode == "train" and complete):
            progress.entry, progress.done = (progress.entry + 1) % len(self.workflow), 0
        while complete and progress.entry and self.workflow[progress.entry][0] == "train":
            progress.entry = (progress.entry + 1) % len(self.workflow)
