"""Small masks of boxes, painted into images.

Bilinear interpolation is the same in both directions, one after the other, so a painted mask is a product of three
matrices: rows of the image by rows of the mask, the mask, and columns by columns. Nothing is looped over, no grid of
places is made, and the host waits for nothing.
"""

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import relu

Paste = Literal["exact", "whole_pixels"]
CHUNK = 1 << 24  # px painted at a time, 4 bytes each
LEAST_SIDE = 1e-4  # px, so that a box without extent makes no infinite numbers


def paste_masks(
    masks: Tensor, boxes_xyxy: Tensor, *, size: tuple[int, int], paste: Paste = "exact", threshold: float = 0.5
) -> Tensor:
    """(D, height, width) bool: where the masks reach the threshold.

    Args:
        masks: (D, S, S) float32 0 to 1, each over its box.
        boxes_xyxy: (D, 4) float32, px of the image.
        size: Height and width of the image, px.
        paste: As for `painted`.
        threshold: From which on a pixel belongs to the object.
    """
    height, width = size
    result = torch.empty((len(masks), height, width), dtype=torch.bool, device=masks.device)
    for first in range(0, len(masks), step := max(1, CHUNK // (height * width))):
        here = slice(first, first + step)
        result[here] = painted(masks[here], boxes_xyxy[here], size=size, paste=paste) >= threshold
    return result


def painted(masks: Tensor, boxes_xyxy: Tensor, *, size: tuple[int, int], paste: Paste) -> Tensor:
    """(D, height, width) float32: the masks, 0 outside.

    Args:
        paste: "exact" takes each pixel's centre to its place in the box, as mmdetection and detectron2 do.
            "whole_pixels" puts a border of zeros around the mask, makes the box larger by it and cuts its corners to
            whole numbers, and stretches the mask from the first corner's pixel to the last one's, as torchvision does.
    """
    with torch.autocast(masks.device.type, enabled=False):
        boxes = boxes_xyxy.float()
        cells = masks.shape[-1]
        rows = _weights(boxes[:, 1::2], length=size[0], cells=cells, paste=paste)
        columns = _weights(boxes[:, 0::2], length=size[1], cells=cells, paste=paste)
        return rows @ masks.float() @ columns.transpose(1, 2)


def _weights(ends: Tensor, *, length: int, cells: int, paste: Paste) -> Tensor:
    """(D, length, S): what each of the S cells between (D, 2) ends gives to each pixel of a row of the image."""
    pixels = torch.arange(length, device=ends.device, dtype=torch.float32)
    cell = torch.arange(cells, device=ends.device, dtype=torch.float32)
    start, end = ends[:, :1], ends[:, 1:]
    if paste == "exact":
        places = (pixels + 0.5 - start) / (end - start).clamp(min=LEAST_SIDE) * cells - 0.5
        return relu(1 - (places[..., None] - cell).abs())
    half = (end - start) * 0.5 * ((cells + 2) / cells)
    centre = (start + end) * 0.5
    first = (centre - half).trunc()
    count = ((centre + half).trunc() - first + 1).clamp(min=1)
    places = ((pixels - first + 0.5) * ((cells + 2) / count) - 0.5).clamp(min=0).clamp(max=cells + 1)
    inside = (pixels >= first) & (pixels < first + count)
    return relu(1 - (places[..., None] - (cell + 1)).abs()) * inside[..., None]
