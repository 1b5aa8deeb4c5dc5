"""A small table of every detector, under a name that says which of its conventions it has."""

from typing import Any

import torch

from specdet.models.detectors.base import Detector
from specdet.models.detectors.build import build_detector
from specdet.spec.merge import merge
from tests.models.detectors.dense import NEWER_FCOS, small_dense_table, small_ssd_table
from tests.models.mask_rcnn import mask_table
from tests.models.small import small_table
from tests.models.two_stage import two_stage_table

EVERY: dict[str, dict[str, Any]] = {
    "RPN": small_table(),
    "FastRCNN": two_stage_table("FastRCNN"),
    "FasterRCNN": two_stage_table("FasterRCNN"),
    "MaskRCNN": mask_table("MaskRCNN"),
    "CascadeRCNN": two_stage_table("CascadeRCNN"),
    "CascadeMaskRCNN": mask_table("CascadeMaskRCNN"),
    "RetinaNet": small_dense_table("RetinaNet"),
    "RetinaNet of torchvision": small_dense_table("RetinaNet", train={"average": "image"}),
    "ATSS": small_dense_table("ATSS"),
    "FCOS": small_dense_table("FCOS"),
    "FCOS of torchvision": small_dense_table("FCOS", **NEWER_FCOS),
    "SSDLite": small_ssd_table(),
    "SSD": small_ssd_table(
        backbone={"type": "VGG", "base_channels": 16},
        neck={"depthwise": False, "norm": "none"},
        bbox_head={"depthwise": False},
        test={"best_of": "level"},
    ),
}


def small_detector(name: str, **test: Any) -> Detector:
    """The detector of a name in `EVERY` with these settings of testing, always with the same weights."""
    torch.manual_seed(0)
    table = EVERY[name]
    model = build_detector(merge(table, {"test": {"roi": test} if "roi_head" in table else test}))
    assert isinstance(model, Detector)
    return model
