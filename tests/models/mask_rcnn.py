"""Detectors of masks small enough for a test, and batches with masks."""

from typing import Any

import attrs
import torch
from torch import nn

from specdet.models.detectors.build import build_detector
from specdet.spec.merge import merge
from specdet.structures import Batch
from tests.models.two_stage import two_stage_table

MASK_HEAD = {"mask_head": {"type": "MaskHead", "num_convs": 1, "channels": 16}}


def mask_table(detector: str = "MaskRCNN", **changes: Any) -> dict[str, Any]:
    """As `two_stage_table`, with a mask head."""
    base = "CascadeRCNN" if detector.startswith("Cascade") else "FasterRCNN"
    table = two_stage_table(base, roi_head=MASK_HEAD)
    return merge({**table, "type": detector}, changes)


def mask_detector(detector: str = "MaskRCNN", **changes: Any) -> nn.Module:
    """The detector of `mask_table`, always with the same weights."""
    torch.manual_seed(0)
    return build_detector(mask_table(detector, **changes))


def with_masks(batch: Batch, *, seed: int = 0) -> Batch:
    """The same batch, its objects as ellipses in their boxes, no two alike."""
    assert batch.targets is not None
    height, width = batch.images.shape[-2:]
    x0, y0, x1, y1 = (side[..., None, None] for side in batch.targets.boxes.unbind(-1))
    rows = torch.arange(height)[:, None] + 0.5
    columns = torch.arange(width)[None] + 0.5
    part = (((columns - (x0 + x1) / 2) / (x1 - x0)) ** 2 + ((rows - (y0 + y1) / 2) / (y1 - y0)) ** 2) * 4
    bites = torch.rand(part.shape, generator=torch.Generator().manual_seed(seed)) < 0.02
    masks = (part <= 1) & ~bites & (batch.targets.labels >= 0)[..., None, None]
    return attrs.evolve(batch, targets=attrs.evolve(batch.targets, masks=masks.to(torch.uint8)))
