"""What is left of masks in boxes: the targets of heads that tell masks."""

import torch
from torch import Tensor
from torchvision.ops import roi_align

CHUNK = 1 << 26  # px of masks that are float32 at a time
NOWHERE = -1e6  # px, beyond the reach of any sample


@torch.no_grad()
def crop_masks(masks: Tensor, boxes_xyxy: Tensor, slots: Tensor, *, cells: int, aligned: bool) -> Tensor:
    """The part of each cell of each box that an object fills, 0 to 1, by RoIAlign with as many points as a cell needs.

    Args:
        masks: (N, M, H, W) uint8, M >= 1.
        boxes_xyxy: (N, P, 4) float32, px of the masks.
        slots: (N, P) int64, which mask of its image each box is for.
        cells: S.
        aligned: Count pixels from their centres.

    Returns:
        (N, P, S, S) float32.
    """
    images = zip(masks, boxes_xyxy, slots, strict=True)
    with torch.autocast(masks.device.type, enabled=False):
        return torch.stack([_cropped(*each, cells=cells, aligned=aligned) for each in images])


def _cropped(masks: Tensor, boxes_xyxy: Tensor, slots: Tensor, *, cells: int, aligned: bool) -> Tensor:
    """Of one image. Few masks are float32 at a time; boxes for others are moved to where there is nothing."""
    step = max(1, CHUNK // masks[0].numel())
    found = boxes_xyxy.new_zeros((len(boxes_xyxy), cells, cells))
    for first in range(0, len(masks), step):
        part = masks[first : first + step]
        boxes = boxes_xyxy
        if len(part) < len(masks):
            here = (slots >= first) & (slots < first + len(part))
            boxes = torch.where(here[:, None], boxes_xyxy, NOWHERE)
        own = (slots - first).clamp(0, len(part) - 1)
        regions = torch.cat((own[:, None].float(), boxes), dim=1)
        found += roi_align(part[:, None].float(), regions, cells, sampling_ratio=0, aligned=aligned)[:, 0]
    return found


@torch.no_grad()
def known_masks(masks: Tensor) -> Tensor:
    """(N, M) bool: masks with a pixel; one without says that nobody knows where the object is, not that it is nowhere.

    Args:
        masks: (N, M, H, W) uint8.
    """
    return masks.flatten(2).amax(dim=2) > 0
