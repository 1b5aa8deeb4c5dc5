"""Cross entropy of a choice among classes."""

from typing import ClassVar

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from specdet.models.losses.spec import CrossEntropySpec


class CrossEntropy(nn.Module):
    """Of logits (..., K + 1), background last, and labels (...) int64 0..K; gives (...), not reduced."""

    on: ClassVar[str] = "logits"

    def __init__(self, spec: CrossEntropySpec):
        super().__init__()
        self.spec = spec

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        losses = cross_entropy(logits.flatten(0, -2), labels.flatten(), reduction="none")
        return self.spec.weight * losses.view_as(labels)
