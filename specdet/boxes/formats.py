"""Conversions between box formats, and what is done to boxes_xyxy alone."""

import torch
from torch import Tensor


def xyxy_to_cxcywh(boxes_xyxy: Tensor) -> Tensor:
    """Corners to centres and sizes; (..., 4) to (..., 4)."""
    x1, y1, x2, y2 = boxes_xyxy.unbind(-1)
    return torch.stack(((x1 + x2) * 0.5, (y1 + y2) * 0.5, x2 - x1, y2 - y1), dim=-1)


def cxcywh_to_xyxy(boxes: Tensor) -> Tensor:
    """Centres and sizes to corners; (..., 4) to (..., 4)."""
    centers, half_sizes = boxes[..., :2], boxes[..., 2:] * 0.5
    return torch.cat((centers - half_sizes, centers + half_sizes), dim=-1)


def box_areas(boxes_xyxy: Tensor) -> Tensor:
    """Areas in px^2; (..., 4) to (...)."""
    x1, y1, x2, y2 = boxes_xyxy.unbind(-1)
    return (x2 - x1) * (y2 - y1)


def have_extent(boxes_xyxy: Tensor, least: float = 0.0) -> Tensor:
    """Boxes that have an area, and whose width and height are at least `least` px; (..., 4) to (...) bool."""
    sides = boxes_xyxy[..., 2:] - boxes_xyxy[..., :2]
    return ((sides > 0) & (sides >= least)).all(-1)


def clip_boxes(boxes_xyxy: Tensor, sizes: Tensor) -> Tensor:
    """Boxes cut to their images.

    Args:
        boxes_xyxy: (N, D, 4) px.
        sizes: (N, 2) height and width of each image, px.
    """
    corners = sizes.flip(-1).to(boxes_xyxy.dtype)[:, None, None]
    points = boxes_xyxy.unflatten(-1, (2, 2))
    return points.clamp(min=0).minimum(corners).flatten(-2)


def scale_boxes(boxes_xyxy: Tensor, *, sizes: Tensor, to_sizes: Tensor) -> Tensor:
    """Boxes carried from images of one size to the same images in another size.

    Args:
        boxes_xyxy: (N, D, 4) px of images of `sizes`.
        sizes, to_sizes: (N, 2) heights and widths, px.
    """
    factors = to_sizes.to(boxes_xyxy.dtype) / sizes.to(boxes_xyxy.dtype)
    return (boxes_xyxy.unflatten(-1, (2, 2)) * factors.flip(-1)[:, None, None]).flatten(-2)
