"""Matching of points by where they lie in the boxes, for all images at once."""

from collections.abc import Sequence

import torch
from torch import Tensor

from specdet.boxes.formats import box_areas
from specdet.boxes.points import Points
from specdet.models.matching.max_iou import NEGATIVE
from specdet.models.matching.spec import FCOSAssignerSpec

BORDER = 8  # strides: where a level's range ends unless the spec says


class FCOSAssigner:
    """Points to the smallest ground truth that they lie in and that is of their level's size.

    Args:
        spec: Which points and sizes count.
        strides: Of each level, px.

    Raises:
        ValueError: Where `spec.borders` does not fit the levels.
    """

    def __init__(self, spec: FCOSAssignerSpec, *, strides: Sequence[int]):
        self.spec = spec
        for problem in spec.problems_at(strides):
            raise ValueError(f"assigner: {problem}")
        borders = spec.borders or tuple(float(BORDER * stride) for stride in strides[:-1])
        self.ranges = tuple(zip((0.0, *borders), (*borders, float("inf")), strict=True))

    def __call__(self, points: Points, boxes_xyxy: Tensor, *, valid: Tensor) -> Tensor:
        """What each point is for.

        Args:
            points: The A points.
            boxes_xyxy: (N, M, 4) ground truth, px, M >= 1.
            valid: (N, M) bool; slots of ground truth that count.

        Returns:
            (N, A) int64: the slot of its ground truth, or -1 for a negative. Of equally small ones the first slot wins.
        """
        x, y = points.centers.unbind(-1)
        # (N, M, A) tensors are the largest of a training step, so intermediate results are overwritten.
        left, top, right, bottom = boxes_xyxy.movedim(-1, 0)[..., None]
        near, far = _nearer_and_farther(x - left, right - x)
        near_y, far_y = _nearer_and_farther(y - top, bottom - y)
        fits = torch.minimum(near, near_y, out=near) > 0
        low, high = (self._bounds(side, points) for side in (0, 1))
        far = torch.maximum(far, far_y, out=far)
        if self.spec.closed:
            fits &= (far >= low) & (far <= high)
        else:
            fits &= (far > low) & (far < high)
        if self.spec.center_radius is not None:
            off = (x - (left + right) / 2).abs_()
            off = torch.maximum(off, (y - (top + bottom) / 2).abs_(), out=off)
            fits &= off < points.strides * self.spec.center_radius
        fits &= valid[..., None]
        areas = torch.where(fits, box_areas(boxes_xyxy)[..., None], torch.inf)
        smallest, slot = areas.min(dim=1)
        return torch.where(smallest < torch.inf, slot, NEGATIVE)

    def _bounds(self, side: int, points: Points) -> Tensor:
        """(A,) the least (0) or largest (1) size of what each point may find, px."""
        filled = [
            points.centers.new_full((count,), bounds[side])
            for count, bounds in zip(points.counts, self.ranges, strict=True)
        ]
        return torch.cat(filled)


def _nearer_and_farther(before: Tensor, after: Tensor) -> tuple[Tensor, Tensor]:
    """Distances to the nearer and the farther of two sides; the first is overwritten."""
    far = torch.maximum(before, after)
    return torch.minimum(before, after, out=before), far
