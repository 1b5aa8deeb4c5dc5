"""The head of RetinaNet."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from specdet.models.heads.dense_anchor_head import DenseAnchorHead, DensePredictions
from specdet.models.heads.spec import RetinaHeadSpec
from specdet.models.heads.towers import start_small
from specdet.structures import Batch


class RetinaHead(DenseAnchorHead):
    """Two towers, then the logits of every class and the deltas of every anchor; losses "loss/cls" and "loss/box".

    Args and errors: See `DenseAnchorHead`; `train` has `average` besides.
    """

    def __init__(
        self,
        spec: RetinaHeadSpec,
        *,
        in_channels: Sequence[int],
        strides: Sequence[int],
        num_classes: int,
        train: Any,
        test: Any,
    ):
        super().__init__(
            spec, in_channels=in_channels, strides=strides, num_classes=num_classes, train=train, test=test
        )
        anchors_per_cell = self.anchor_generator.anchors_per_cell
        self.retina_cls = nn.Conv2d(self.last_channels, anchors_per_cell * num_classes, kernel_size=3, padding=1)
        self.retina_reg = nn.Conv2d(self.last_channels, anchors_per_cell * 4, kernel_size=3, padding=1)
        start_small(self, scores=self.retina_cls, prior_prob=spec.prior_prob)

    def forward(self, features: Sequence[Tensor], *, image_size: tuple[int, int]) -> DensePredictions:
        """One (N, C, H, W) map a level, of images padded to `image_size`, to what is said of every anchor."""
        return self.flatten(
            [self.retina_cls(self.cls_convs(feature)) for feature in features],
            [self.retina_reg(self.reg_convs(feature)) for feature in features],
            image_size=image_size,
        )

    def totals(self, counts: dict[str, Tensor]) -> dict[str, Tensor]:
        if self.train_spec.average == "batch":
            return super().totals(counts)
        return {name: torch.ones_like(each).sum() for name, each in counts.items()}

    def reduce(self, losses: dict[str, Tensor], counts: dict[str, Tensor], batch: Batch) -> dict[str, Tensor]:
        if self.train_spec.average == "image":
            losses = {name: each / counts[name] for name, each in losses.items()}
        return super().reduce(losses, counts, batch)
