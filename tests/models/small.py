"""A proposal network small enough for a test."""

from typing import Any

import torch

from specdet.models.detectors.build import build_detector
from specdet.models.detectors.rpn import RPN


def small_table(**changes: Any) -> dict[str, Any]:
    """The table of an RPN of few channels and two strides; keys given replace those of the table."""
    return {
        "type": "RPN",
        "backbone": {"type": "ResNet", "depth": 18, "base_channels": 16, "out_stages": [2, 3], "frozen_stages": 0},
        "neck": {"type": "FPN", "out_channels": 16, "extra_levels": 1},
        "rpn_head": {"feat_channels": 16, "anchors": {"scales": [2.0]}},
        **changes,
    }


def small_rpn(**changes: Any) -> RPN:
    """The network of `small_table`, always with the same weights."""
    torch.manual_seed(0)
    model = build_detector(small_table(**changes))
    assert isinstance(model, RPN)
    return model
