"""Intersection over union: of all pairs, and of boxes side by side. All run without autocast, in the boxes' dtype."""

import math

import torch
from torch import Tensor

from specdet.boxes.formats import box_areas

EPSILON = 1e-7  # px^2; keeps the IoU of two empty boxes at 0


def pairwise_iou(first_xyxy: Tensor, second_xyxy: Tensor) -> Tensor:
    """IoU of every box of one set with every box of the other, for each image.

    Args:
        first_xyxy: (..., M, 4) px.
        second_xyxy: (..., A, 4) px; leading dimensions broadcast, so (A, 4) is shared by all images.

    Returns:
        (..., M, A), 0 to 1.
    """
    first = first_xyxy.movedim(-1, 0)[..., :, None]
    second = second_xyxy.movedim(-1, 0).contiguous()[..., None, :]  # rows of one coordinate: vectorised reads
    # (..., M, A) is the largest tensor of a training step, so intermediate results are overwritten.
    width = (torch.minimum(first[2], second[2]) - torch.maximum(first[0], second[0])).clamp_(min=0)
    height = (torch.minimum(first[3], second[3]) - torch.maximum(first[1], second[1])).clamp_(min=0)
    overlap = width.mul_(height)
    areas = box_areas(first_xyxy)[..., :, None], box_areas(second_xyxy)[..., None, :]
    union = (areas[0] + areas[1]).sub_(overlap).clamp_(min=EPSILON)
    return overlap.div_(union)


def _overlap_and_union(first_xyxy: Tensor, second_xyxy: Tensor) -> tuple[Tensor, Tensor]:
    low = torch.maximum(first_xyxy[..., :2], second_xyxy[..., :2])
    high = torch.minimum(first_xyxy[..., 2:], second_xyxy[..., 2:])
    overlap = (high - low).clamp(min=0).prod(-1)
    return overlap, box_areas(first_xyxy) + box_areas(second_xyxy) - overlap


def elementwise_iou(first_xyxy: Tensor, second_xyxy: Tensor) -> Tensor:
    """IoU of boxes side by side; (..., 4) and (..., 4) to (...), 0 to 1, differentiable."""
    overlap, union = _overlap_and_union(first_xyxy, second_xyxy)
    return overlap / union.clamp(min=EPSILON)


def elementwise_giou(first_xyxy: Tensor, second_xyxy: Tensor) -> Tensor:
    """Generalised IoU (Rezatofighi et al. 2019, arXiv:1902.09630) of boxes side by side; (...), -1 to 1."""
    overlap, union = _overlap_and_union(first_xyxy, second_xyxy)
    low = torch.minimum(first_xyxy[..., :2], second_xyxy[..., :2])
    high = torch.maximum(first_xyxy[..., 2:], second_xyxy[..., 2:])
    hull = (high - low).clamp(min=0).prod(-1).clamp(min=EPSILON)
    return overlap / union.clamp(min=EPSILON) - (hull - union) / hull


def elementwise_diou(first_xyxy: Tensor, second_xyxy: Tensor) -> Tensor:
    """Distance IoU (Zheng et al. 2019, arXiv:1911.08287) of boxes side by side; (...), -1 to 1."""
    low = torch.minimum(first_xyxy[..., :2], second_xyxy[..., :2])
    high = torch.maximum(first_xyxy[..., 2:], second_xyxy[..., 2:])
    diagonal = (high - low).square().sum(-1).clamp(min=EPSILON)
    apart = first_xyxy[..., :2] + first_xyxy[..., 2:] - second_xyxy[..., :2] - second_xyxy[..., 2:]
    return elementwise_iou(first_xyxy, second_xyxy) - (apart / 2).square().sum(-1) / diagonal


def elementwise_ciou(first_xyxy: Tensor, second_xyxy: Tensor) -> Tensor:
    """Complete IoU (Zheng et al. 2019, arXiv:1911.08287) of boxes side by side; (...), at most 1.

    The weight of the shapes' difference has no gradient.
    """
    shape = (_slope(first_xyxy) - _slope(second_xyxy)).square() * (4 / math.pi**2)
    with torch.no_grad():
        iou = elementwise_iou(first_xyxy, second_xyxy)
        weight = shape / (1 - iou + shape).clamp(min=EPSILON)
    return elementwise_diou(first_xyxy, second_xyxy) - weight * shape


def _slope(boxes_xyxy: Tensor) -> Tensor:
    """The angle of each box's diagonal: arctan(width / height), 0 to pi / 2; (..., 4) to (...)."""
    width, height = (boxes_xyxy[..., 2:] - boxes_xyxy[..., :2]).unbind(-1)
    return torch.atan2(width.clamp(min=EPSILON), height.clamp(min=EPSILON))
