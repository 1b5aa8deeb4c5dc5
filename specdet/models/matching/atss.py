"""Matching by what is usual among the anchors near each object, for all images at once."""

import torch
from torch import Tensor

from specdet.boxes.anchors import Anchors
from specdet.boxes.iou import pairwise_iou
from specdet.models.matching.spec import ATSSAssignerSpec

NEGATIVE = -1
IGNORED = -2
LEAST_INSIDE = 0.01  # px that the centre of a positive anchor is away from each side of its box
ID_BITS = 29  # of an anchor's name within its level


class ATSSAssigner:
    """Anchors to ground truth by a threshold of each object's own (Zhang et al. 2019, arXiv:1912.02424).

    Of each level, the anchors whose centres are nearest to that of the object are looked at. Those that overlap it by
    at least the mean and the standard deviation of them all, with their centre in its box, are positive. An anchor that
    is so for several objects goes to the one that it overlaps most.
    """

    def __init__(self, spec: ATSSAssignerSpec):
        self.spec = spec

    def match(self, anchors: Anchors, *, boxes: Tensor, valid: Tensor, candidates: Tensor | None = None) -> Tensor:
        """What each anchor is for.

        Args:
            anchors: The A anchors of each image.
            boxes: (N, M, 4) float32 xyxy px of ground truth, M >= 1.
            valid: (N, M) bool; slots of ground truth that count.
            candidates: (N, A) bool; anchors that take part, all of them by default.

        Returns:
            (N, A) int64: the slot of its ground truth, or -1 for a negative, or -2 for an anchor that takes no part.
        """
        iou = pairwise_iou(boxes, anchors.boxes)
        near, taken = self._nearest(anchors, boxes, candidates)
        near_iou = iou.gather(2, near)
        threshold = _mean_and_deviation(near_iou, taken)
        inside = _inside(anchors, boxes, near)
        positive = taken & (near_iou >= threshold) & inside & valid[..., None]
        # Every anchor is near to an object once at most, so that scattering has one value for a place.
        scores = torch.full_like(iou, -1.0).scatter_(2, near, torch.where(positive, near_iou, -1.0))
        best, slot = scores.max(dim=1)
        matched = torch.where(best >= 0, slot, NEGATIVE)
        return matched if candidates is None else torch.where(candidates, matched, IGNORED)

    def _nearest(self, anchors: Anchors, boxes: Tensor, candidates: Tensor | None) -> tuple[Tensor, Tensor]:
        """(N, M, P) int64 indices of the anchors looked at for each box, and which of them take part.

        Distances on a grid are often equal. Such anchors go by their names, which are the same whatever an image is
        padded to, so a distance and a name are put into one number: a float32 that is not negative sorts as its bits.
        """
        distance = _squared_distances(anchors, boxes)
        if candidates is not None:
            distance = torch.where(candidates[:, None], distance, torch.inf)
        ranks = (distance.view(torch.int32).long() << ID_BITS) + (anchors.ids & ((1 << ID_BITS) - 1))
        chosen, first = [], 0
        for level in ranks.split(anchors.counts, dim=2):
            count = level.shape[2]
            chosen.append(level.topk(min(self.spec.per_level, count), dim=2, largest=False).indices + first)
            first += count
        near = torch.cat(chosen, dim=2)
        return near, distance.gather(2, near) < torch.inf


def _centers(boxes_xyxy: Tensor) -> tuple[Tensor, Tensor]:
    """Coordinates x and y of the centres; (..., 4) to two (...)."""
    x1, y1, x2, y2 = boxes_xyxy.unbind(-1)
    return (x1 + x2) / 2, (y1 + y2) / 2


def _squared_distances(anchors: Anchors, boxes: Tensor) -> Tensor:
    """(N, M, A) px^2 between the centres of (N, M, 4) boxes and of the anchors."""
    (x, y), (box_x, box_y) = _centers(anchors.boxes), _centers(boxes)
    return (x - box_x[..., None]).square_().add_((y - box_y[..., None]).square_())


def _mean_and_deviation(values: Tensor, used: Tensor) -> Tensor:
    """(..., 1) mean plus standard deviation (of a sample) of the used of the (..., P) values."""
    count = used.sum(dim=-1, keepdim=True)
    mean = torch.where(used, values, 0.0).sum(dim=-1, keepdim=True) / count.clamp(min=1)
    squares = torch.where(used, values - mean, 0.0).square().sum(dim=-1, keepdim=True)
    return mean + (squares / (count - 1).clamp(min=1)).sqrt()


def _inside(anchors: Anchors, boxes: Tensor, index: Tensor) -> Tensor:
    """(N, M, P) bool: whether the centre of each anchor at (N, M, P) lies in its (N, M, 4) box."""
    x, y = (each[index] for each in _centers(anchors.boxes))
    x1, y1, x2, y2 = boxes[..., None, :].unbind(-1)
    return torch.stack((x - x1, y - y1, x2 - x, y2 - y)).amin(dim=0) > LEAST_INSIDE
