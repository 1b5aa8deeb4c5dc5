"""Losses on the deltas of a coder."""

from typing import ClassVar

from torch import Tensor, nn
from torch.nn.functional import l1_loss, smooth_l1_loss

from specdet.models.losses.spec import L1LossSpec, SmoothL1LossSpec


class L1Loss(nn.Module):
    """Of deltas and target deltas, (..., 4) each; gives (...), one number a box."""

    on: ClassVar[str] = "deltas"

    def __init__(self, spec: L1LossSpec):
        super().__init__()
        self.spec = spec

    def forward(self, deltas: Tensor, targets: Tensor) -> Tensor:
        return self.spec.weight * l1_loss(deltas, targets, reduction="none").sum(-1)


class SmoothL1Loss(nn.Module):
    """Of deltas and target deltas, (..., 4) each; gives (...), one number a box."""

    on: ClassVar[str] = "deltas"

    def __init__(self, spec: SmoothL1LossSpec):
        super().__init__()
        self.spec = spec

    def forward(self, deltas: Tensor, targets: Tensor) -> Tensor:
        return self.spec.weight * smooth_l1_loss(deltas, targets, reduction="none", beta=self.spec.beta).sum(-1)
