"""The head of ATSS."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from specdet.boxes.anchors import Anchors
from specdet.models.heads.dense_anchor_head import (
    DenseAnchorHead,
    DensePredictions,
    DenseTargets,
    sum_of_images,
)
from specdet.models.heads.scale import Scale
from specdet.models.heads.spec import ATSSHeadSpec
from specdet.models.heads.towers import start_small


class ATSSHead(DenseAnchorHead):
    """As RetinaNet's, and a centerness of each anchor; losses "loss/cls", "loss/box" and "loss/centerness".

    Args and errors: See `DenseAnchorHead`; `spec` has `loss_centerness` besides.
    """

    def __init__(
        self,
        spec: ATSSHeadSpec,
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
        self.atss_cls = nn.Conv2d(self.last_channels, anchors_per_cell * num_classes, kernel_size=3, padding=1)
        self.atss_reg = nn.Conv2d(self.last_channels, anchors_per_cell * 4, kernel_size=3, padding=1)
        self.atss_centerness = nn.Conv2d(self.last_channels, anchors_per_cell, kernel_size=3, padding=1)
        self.scales = nn.ModuleList(Scale() for _ in strides)
        self.loss_centerness = spec.loss_centerness.build()
        start_small(self, scores=self.atss_cls, prior_prob=spec.prior_prob)

    def forward(self, features: Sequence[Tensor], *, image_size: tuple[int, int]) -> DensePredictions:
        """One (N, C, H, W) map a level, of images padded to `image_size`, to what is said of every anchor."""
        hidden = [self.reg_convs(feature) for feature in features]
        return self.flatten(
            [self.atss_cls(self.cls_convs(feature)) for feature in features],
            [scale(self.atss_reg(each)) for scale, each in zip(self.scales, hidden, strict=True)],
            image_size=image_size,
            centerness=[self.atss_centerness(each) for each in hidden],
        )

    def counts(self, anchors: Anchors, targets: DenseTargets) -> dict[str, Tensor]:
        counts = super().counts(anchors, targets)
        weights = sum_of_images(centerness(anchors.boxes, targets.boxes), used=targets.positive)
        return {**counts, "loss/box": weights, "loss/centerness": counts["loss/cls"]}

    def loss_sums(self, outputs: DensePredictions, targets: DenseTargets) -> dict[str, Tensor]:
        assert outputs.centerness is not None
        wanted = centerness(outputs.anchors.boxes, targets.boxes)
        losses = self.loss_centerness(outputs.centerness.float(), wanted)
        return {
            **super().loss_sums(outputs, targets),
            "loss/centerness": sum_of_images(losses, used=targets.positive),
        }

    def box_losses(self, outputs: DensePredictions, targets: DenseTargets, *, deltas: Tensor) -> Tensor:
        weights = centerness(outputs.anchors.boxes, targets.boxes)
        return weights * super().box_losses(outputs, targets, deltas=deltas)


@torch.no_grad()
def centerness(anchors_xyxy: Tensor, boxes_xyxy: Tensor) -> Tensor:
    """How near to the middle of its box an anchor's centre is (Tian et al. 2019, arXiv:1904.01355).

    Args:
        anchors_xyxy: (A, 4) px.
        boxes_xyxy: (N, A, 4) px.

    Returns:
        (N, A), 0 at the box's border and beyond it, 1 at its middle.
    """
    centers = (anchors_xyxy[:, :2] + anchors_xyxy[:, 2:]) / 2
    before, behind = centers - boxes_xyxy[..., :2], boxes_xyxy[..., 2:] - centers
    nearer, farther = torch.minimum(before, behind).clamp(min=0), torch.maximum(before, behind)
    return (nearer / farther.clamp(min=1e-6)).prod(-1).sqrt()
