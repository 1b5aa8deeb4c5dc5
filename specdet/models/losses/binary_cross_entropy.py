"""Binary cross entropy."""

from typing import ClassVar

from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from specdet.models.losses.spec import BinaryCrossEntropySpec


class BinaryCrossEntropy(nn.Module):
    """Of logits and targets 0 to 1 of one shape; gives that shape, not reduced."""

    on: ClassVar[str] = "logits"

    def __init__(self, spec: BinaryCrossEntropySpec):
        super().__init__()
        self.spec = spec

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        return self.spec.weight * binary_cross_entropy_with_logits(logits, targets, reduction="none")
