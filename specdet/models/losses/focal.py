"""Focal losses: sigmoid cross entropies in which what is already told right counts little."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, softplus

from specdet.models.losses.spec import FocalLossSpec, QualityFocalLossSpec


class FocalLoss(nn.Module):
    """Of logits and targets (bool, or 0 and 1) of one shape; gives that shape, not reduced."""

    on: ClassVar[str] = "logits"

    def __init__(self, spec: FocalLossSpec):
        super().__init__()
        self.spec = spec

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        # With the sign turned for what is there, both cases are one: the probability of being wrong is its sigmoid,
        # and the cross entropy its softplus. As a power of e the former has finite gradients for any gamma.
        present = targets.bool()
        wrong = torch.where(present, -logits, logits)
        share = torch.where(present, self.spec.weight * self.spec.alpha, self.spec.weight * (1 - self.spec.alpha))
        return share * (softplus(-wrong) * -self.spec.gamma).exp() * softplus(wrong)


class QualityFocalLoss(nn.Module):
    """Of logits and targets 0 to 1 of one shape; gives that shape, not reduced.

    The target of what is there is its quality: the IoU of the predicted box with its object.
    """

    on: ClassVar[str] = "qualities"

    def __init__(self, spec: QualityFocalLossSpec):
        super().__init__()
        self.spec = spec

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        entropy = binary_cross_entropy_with_logits(logits, targets, reduction="none")
        return self.spec.weight * (targets - logits.sigmoid()).abs().pow(self.spec.beta) * entropy
