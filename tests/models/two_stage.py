"""Two-stage detectors small enough for a test."""

from typing import Any

import torch
from torch import nn

from specdet.models.detectors.build import build_detector
from specdet.spec.merge import merge

HEAD = {"fc_channels": 32}
STAGES = {
    "stage1": {"bbox_head": HEAD},
    "stage2": {
        "weight": 0.5,
        "assigner": {"pos_iou": 0.6, "neg_iou": 0.6},
        "bbox_head": {**HEAD, "coder": {"stds": [0.05, 0.05, 0.1, 0.1]}},
    },
}


def two_stage_table(detector: str = "FasterRCNN", **changes: Any) -> dict[str, Any]:
    """The table of a detector of few channels, three classes and three strides; tables given are merged into it."""
    table: dict[str, Any] = {
        "type": detector,
        "num_classes": 3,
        "backbone": {"type": "ResNet", "depth": 18, "base_channels": 16, "out_stages": [2, 3], "frozen_stages": 0},
        "neck": {"type": "FPN", "out_channels": 16, "extra_levels": 1},
        "roi_head": {"stages": STAGES} if detector == "CascadeRCNN" else {"bbox_head": HEAD},
        "train": {"roi": {"sampler": {"num": 64}}},
    }
    if detector != "FastRCNN":
        table["rpn_head"] = {"feat_channels": 16, "anchors": {"scales": [2.0]}}
        table["train"]["proposals"] = {"nms_post": 150}
        table["test"] = {"rpn": {"nms_post": 100}}
    return merge(table, changes)


def two_stage(detector: str = "FasterRCNN", **changes: Any) -> nn.Module:
    """The detector of `two_stage_table`, always with the same weights."""
    torch.manual_seed(0)
    return build_detector(two_stage_table(detector, **changes))
