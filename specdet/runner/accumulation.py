"""Gradient accumulation that gives the gradient of one big batch."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import attrs
import torch
from accelerate import Accelerator
from torch import Tensor, nn


def share_normalizers(model: nn.Module, group: Sequence[Any], *, accelerator: Accelerator) -> Sequence[Any]:
    """The batches of one optimizer step, each to be divided by the same counts.

    A loss that is a sum over positives divided by their number P has, over K batches, the sum of sums divided by the
    sum of the P. `Accelerator.backward` divides by K, so each batch is divided by the mean of the P instead of its own.

    Args:
        model: The unwrapped model. It may have `normalizers(batch) -> dict[str, Tensor] | None`, the counts that its
            losses are divided by, and `loss_normalizer`: with "global" the mean is taken over ranks as well. Without
            counts the gradient is the mean over the batches of their own gradients.
        group: Batches on the device, with a field `normalizers`.
    """
    count: Callable[[Any], dict[str, Tensor] | None] | None = getattr(model, "normalizers", None)
    counts = [] if count is None else [found for batch in group if (found := count(batch))]
    if not counts:
        return group
    assert len(counts) == len(group), "counts depend on the model, not on the batch"
    names = list(counts[0])
    mean = torch.stack([torch.stack([each[name].float() for name in names]) for each in counts]).mean(0)
    if getattr(model, "loss_normalizer", "rank") == "global":
        mean = cast(Tensor, accelerator.reduce(mean, reduction="mean"))
    shared = dict(zip(names, mean.unbind(), strict=True))
    return [attrs.evolve(batch, normalizers=shared) for batch in group]
