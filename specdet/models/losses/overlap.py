"""Losses on the overlap of decoded boxes."""

from typing import ClassVar

from torch import Tensor, nn

from specdet.boxes.iou import elementwise_ciou, elementwise_diou, elementwise_giou, elementwise_iou
from specdet.models.losses.spec import CIoULossSpec, DIoULossSpec, GIoULossSpec, IoULossSpec

LEAST_IOU = 1e-6  # bounds -log(IoU), as in mmdetection


class IoULoss(nn.Module):
    """Of boxes and targets, (..., 4) xyxy px each; gives (...), one number a box."""

    on: ClassVar[str] = "boxes"

    def __init__(self, spec: IoULossSpec):
        super().__init__()
        self.spec = spec

    def forward(self, boxes: Tensor, targets: Tensor) -> Tensor:
        iou = elementwise_iou(boxes, targets).clamp(min=LEAST_IOU)
        loss = {"log": lambda: -iou.log(), "linear": lambda: 1 - iou, "square": lambda: 1 - iou**2}[self.spec.mode]()
        return self.spec.weight * loss


class GIoULoss(nn.Module):
    """Of boxes and targets, (..., 4) xyxy px each; gives (...), one number a box."""

    on: ClassVar[str] = "boxes"

    def __init__(self, spec: GIoULossSpec):
        super().__init__()
        self.spec = spec

    def forward(self, boxes: Tensor, targets: Tensor) -> Tensor:
        return self.spec.weight * (1 - elementwise_giou(boxes, targets))


class DIoULoss(nn.Module):
    """Of boxes and targets, (..., 4) xyxy px each; gives (...), one number a box."""

    on: ClassVar[str] = "boxes"

    def __init__(self, spec: DIoULossSpec):
        super().__init__()
        self.spec = spec

    def forward(self, boxes: Tensor, targets: Tensor) -> Tensor:
        return self.spec.weight * (1 - elementwise_diou(boxes, targets))


class CIoULoss(nn.Module):
    """Of boxes and targets, (..., 4) xyxy px each; gives (...), one number a box."""

    on: ClassVar[str] = "boxes"

    def __init__(self, spec: CIoULossSpec):
        super().__init__()
        self.spec = spec

    def forward(self, boxes: Tensor, targets: Tensor) -> Tensor:
        return self.spec.weight * (1 - elementwise_ciou(boxes, targets))
