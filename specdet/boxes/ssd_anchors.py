"""SSDAnchors: default boxes, of other shapes on each level."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from specdet.boxes.anchors import Anchors
from specdet.boxes.grids import PyramidGrid, Size, cell_corners, cell_ids
from specdet.boxes.spec import SSDAnchorsSpec

BEYOND = 1.0  # the scale after the last level's, where scales are not given


class SSDAnchors(PyramidGrid[Anchors]):
    """Default boxes for pyramids of any size; what was made for one size is kept for the next image of that size.

    Args:
        spec: Shapes and conventions.
        strides: Of each level, px.

    Raises:
        ValueError: Where `spec.ratios` does not fit the levels.
    """

    def __init__(self, spec: SSDAnchorsSpec, *, strides: Sequence[int]):
        super().__init__(strides=strides, by_image=True)
        self.spec = spec
        for problem in spec.problems_at(strides):
            raise ValueError(f"anchors: {problem}")

    @property
    def counts(self) -> tuple[int, ...]:
        """Number of anchors in a cell of each level."""
        return self.spec.counts

    def extents(self, level: int, image_size: Size) -> Tensor:
        """(B, 2) widths and heights of the anchors of a cell, px."""
        own, following = self._sizes()[level : level + 2]
        between = math.sqrt(own * following)
        extents = [(own, own), (between, between)]
        for ratio in self.spec.ratios[level]:
            wide, tall = own * math.sqrt(ratio), own / math.sqrt(ratio)
            extents += [(wide, tall), (tall, wide)]
        image = torch.tensor([image_size[1], image_size[0]]).float()
        pixels = torch.tensor(extents) * (1.0 if self.spec.sizes is not None else image)
        return torch.minimum(pixels, image) if self.spec.clip else pixels

    def _sizes(self) -> tuple[float, ...]:
        """Of each level and of one beyond: px where the spec gives px, else shares of the image's sides."""
        spec = self.spec
        if spec.sizes is not None or spec.scales is not None:
            return spec.sizes or spec.scales or ()
        last = len(spec.ratios) - 1
        if last == 0:
            return spec.min_scale, spec.max_scale
        return (*(spec.min_scale + (spec.max_scale - spec.min_scale) * k / last for k in range(last + 1)), BEYOND)

    def _make(self, feature_sizes: Sequence[Size], image_size: Size, device: torch.device) -> Anchors:
        boxes, cells, ids = [], [], []
        for level, (rows, columns) in enumerate(feature_sizes):
            steps = (image_size[0] / rows, image_size[1] / columns)
            if self.spec.steps is not None:
                steps = (self.spec.steps[level], self.spec.steps[level])
            corners = cell_corners(rows, columns, steps=steps).view(-1, 1, 2)
            centers = corners + torch.tensor([steps[1], steps[0]]) / 2
            half_sizes = self.extents(level, image_size) / 2
            boxes.append(torch.cat((centers - half_sizes, centers + half_sizes), dim=-1).view(-1, 4))
            cells.append(corners.expand(-1, len(half_sizes), -1).reshape(-1, 2))
            ids.append(cell_ids(level, rows, columns, shapes=len(half_sizes)))
        return Anchors(
            boxes=torch.cat(boxes).to(device),
            cells=torch.cat(cells).to(device),
            ids=torch.cat(ids).to(device),
            counts=tuple(len(each) for each in boxes),
        )
