"""Features of boxes, each from the level of the pyramid that suits its size."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from specdet.boxes.formats import box_areas
from specdet.models.roi_heads.pool import pool_levels
from specdet.models.roi_heads.spec import RoIExtractorSpec


class RoIExtractor(nn.Module):
    """RoIAlign.

    Args:
        spec: Size and conventions.
        strides: Of each level of the pyramid, px.
    """

    def __init__(self, spec: RoIExtractorSpec, *, strides: Sequence[int]):
        super().__init__()
        self.spec = spec
        self.scales = tuple(1 / stride for stride in strides[: spec.num_levels])

    def levels(self, boxes_xyxy: Tensor) -> Tensor:
        """The level of each box; (..., 4) float32 px to (...) int64."""
        sizes, finest = box_areas(boxes_xyxy).clamp(min=0).sqrt(), self.spec.finest_scale
        level = {
            "mmdetection": lambda: torch.log2(sizes / finest + 1e-6).floor(),
            "torchvision": lambda: (4 + torch.log2(sizes / (4 * finest)) + 1e-6).floor() - 2,
            "detectron2": lambda: (4 + torch.log2(sizes / (4 * finest) + 1e-8)).floor() - 2,
        }[self.spec.level_rule]()
        return level.clamp(0, len(self.scales) - 1).long()

    def forward(self, features: Sequence[Tensor], boxes_xyxy: Tensor) -> Tensor:
        """What the boxes of each image hold.

        Args:
            features: (N, C, H, W) a level; levels beyond `spec.num_levels` are left out.
            boxes_xyxy: (N, R, 4) float32 px.

        Returns:
            (N * R, C, S, S), in the dtype of the features; computed in float32.
        """
        used = [feature.float() for feature in features[: len(self.scales)]]
        images = torch.arange(len(boxes_xyxy), device=boxes_xyxy.device)[:, None, None]
        boxes = torch.cat((images.expand(-1, boxes_xyxy.shape[1], 1).float(), boxes_xyxy), dim=-1).flatten(0, 1)
        with torch.autocast(boxes.device.type, enabled=False):
            pooled = pool_levels(
                used, boxes, self.levels(boxes[:, 1:]), self.scales, self.spec.output_size, self.spec.sampling_ratio,
                self.spec.aligned,
            )  # fmt: skip
        return pooled.to(features[0].dtype)
