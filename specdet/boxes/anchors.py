"""Anchors: the reference boxes that dense heads classify and regress."""

from collections.abc import Sequence

import attrs
import torch
from torch import Tensor

from specdet.boxes.grids import PyramidGrid, Size, cell_corners, cell_ids
from specdet.boxes.spec import AnchorGeneratorSpec


@attrs.frozen(kw_only=True, eq=False)
class Anchors:
    """The anchors of one image shape, all levels in one row: level, then cell by cell (y, x), then anchor of the cell.

    Attributes:
        boxes: (A, 4) float32 xyxy, px.
        cells: (A, 2) float32 x and y of the upper left corner of each anchor's cell, px.
        ids: (A,) int64 from 0 to 2^32 - 1, other for each anchor; the same level, cell and shape have the same one in
            pyramids of any size.
        counts: Number of anchors of each level; they sum to A.
    """

    boxes: Tensor
    cells: Tensor
    ids: Tensor
    counts: tuple[int, ...]

    def within(self, sizes: Tensor) -> Tensor:
        """Anchors whose cell begins inside the image; (N, 2) heights and widths in px to (N, A) bool."""
        return (self.cells < sizes.flip(-1)[:, None]).all(-1)

    def inside(self, sizes: Tensor, *, border: float) -> Tensor:
        """Anchors that reach out of their image by less than `border` px; (N, 2) heights and widths to (N, A) bool."""
        corners = sizes.flip(-1)[:, None] + border
        return (self.boxes[:, :2] >= -border).all(-1) & (self.boxes[:, 2:] < corners).all(-1)


class AnchorGenerator(PyramidGrid[Anchors]):
    """Anchors for pyramids of any size; what was made for one size is kept for the next image of that size.

    Args:
        spec: Shapes and conventions.
        strides: Of each level, px.

    Raises:
        ValueError: Where `spec.sizes` does not fit the levels.
    """

    def __init__(self, spec: AnchorGeneratorSpec, *, strides: Sequence[int]):
        super().__init__(strides=strides, by_image=spec.stride_from == "image")
        self.spec = spec
        for problem in spec.problems_at(self.strides):
            raise ValueError(f"anchors: {problem}")
        octave = [2 ** (step / spec.scales_per_octave) for step in range(spec.scales_per_octave)]
        scales = [scale * factor for scale in spec.scales for factor in octave]
        sizes = spec.sizes or tuple(tuple(scale * stride for scale in scales) for stride in strides)
        self.cell_anchors = tuple(self._cell(each, stride) for each, stride in zip(sizes, self.strides, strict=True))

    @property
    def anchors_per_cell(self) -> int:
        """Number of anchors at each cell, the same at all levels."""
        return len(self.cell_anchors[0])

    def _cell(self, sizes: Sequence[float], stride: int) -> Tensor:
        """(B, 4) anchors of the cell at the origin."""
        height_factors = torch.tensor(self.spec.ratios).sqrt()[:, None]
        extents = torch.tensor(sizes)[None]
        half_sizes = torch.stack((extents / height_factors, extents * height_factors), dim=-1) / 2  # (ratios, sizes, 2)
        if self.spec.rounding:
            half_sizes = half_sizes.round()
        if self.spec.order == "size-major":
            half_sizes = half_sizes.transpose(0, 1)
        half_sizes = half_sizes.flatten(0, 1)
        return torch.cat((-half_sizes, half_sizes), dim=1) + self.spec.center_offset * stride

    def _make(self, feature_sizes: Sequence[Size], image_size: Size, device: torch.device) -> Anchors:
        boxes, cells, ids = [], [], []
        levels = zip(feature_sizes, self.strides, self.cell_anchors, strict=True)
        for level, ((rows, columns), stride, cell) in enumerate(levels):
            steps = (stride, stride)
            if self.spec.stride_from == "image":
                steps = (image_size[0] // rows, image_size[1] // columns)
            corners = cell_corners(rows, columns, steps=steps).view(-1, 1, 2)
            boxes.append((corners.repeat(1, 1, 2) + cell).view(-1, 4))
            cells.append(corners.expand(-1, len(cell), -1).reshape(-1, 2))
            ids.append(cell_ids(level, rows, columns, shapes=len(cell)))
        return Anchors(
            boxes=torch.cat(boxes).to(device),
            cells=torch.cat(cells).to(device),
            ids=torch.cat(ids).to(device),
            counts=tuple(len(each) for each in boxes),
        )
