"""Points: where anchor-free heads look for objects, one a cell of each pyramid level."""

from collections.abc import Sequence

import attrs
import torch
from torch import Tensor

from specdet.boxes.grids import PyramidGrid, Size, cell_corners
from specdet.boxes.spec import PointsSpec


@attrs.frozen(kw_only=True, eq=False)
class Points:
    """The points of one image shape, all levels in one row: level, then cell by cell (y, x).

    Attributes:
        centers: (A, 2) float32 x and y, px.
        strides: (A,) float32 stride of each point's level, px.
        levels: (A,) int64, 0 for the finest.
        counts: Number of points of each level; they sum to A.
    """

    centers: Tensor
    strides: Tensor
    levels: Tensor
    counts: tuple[int, ...]

    def distances(self, boxes_xyxy: Tensor) -> Tensor:
        """From each point to the left, top, right and bottom of its box, (..., A, 4) px both; negative if outside."""
        return torch.cat((self.centers - boxes_xyxy[..., :2], boxes_xyxy[..., 2:] - self.centers), dim=-1)

    def boxes(self, distances: Tensor) -> Tensor:
        """The (..., A, 4) xyxy boxes that lie at these distances (left, top, right, bottom) around their points, px."""
        return torch.cat((self.centers - distances[..., :2], self.centers + distances[..., 2:]), dim=-1)

    def at(self, index: Tensor) -> "Points":
        """Those of (N, D) int64 indices: `centers` (N, D, 2), `strides` and `levels` (N, D)."""
        return attrs.evolve(self, centers=self.centers[index], strides=self.strides[index], levels=self.levels[index])


class PointGenerator(PyramidGrid[Points]):
    """Points for pyramids of any size; what was made for one size is kept for the next image of that size.

    Args:
        spec: Conventions.
        strides: Of each level, px.
    """

    def __init__(self, spec: PointsSpec, *, strides: Sequence[int]):
        super().__init__(strides=strides, by_image=spec.stride_from == "image")
        self.spec = spec

    def _make(self, feature_sizes: Sequence[Size], image_size: Size, device: torch.device) -> Points:
        centers, strides, levels = [], [], []
        for level, ((rows, columns), stride) in enumerate(zip(feature_sizes, self.strides, strict=True)):
            steps = (stride, stride)
            if self.spec.stride_from == "image":
                steps = (image_size[0] // rows, image_size[1] // columns)
            corners = cell_corners(rows, columns, steps=steps)
            centers.append((corners + self.spec.offset * stride).flatten(0, 1))
            strides.append(torch.full((rows * columns,), float(stride)))
            levels.append(torch.full((rows * columns,), level))
        return Points(
            centers=torch.cat(centers).to(device),
            strides=torch.cat(strides).to(device),
            levels=torch.cat(levels).to(device),
            counts=tuple(len(each) for each in levels),
        )
