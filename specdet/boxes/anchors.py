"""Anchors: the reference boxes that dense heads classify and regress."""

from collections import OrderedDict
from collections.abc import Sequence

import attrs
import torch
from torch import Tensor

from specdet.boxes.spec import AnchorGeneratorSpec

Size = tuple[int, int]  # height, width
CACHED_GRIDS = 16  # image shapes remembered; at 1333 x 800 px a pyramid takes 6 MB


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


class AnchorGenerator:
    """Anchors for pyramids of any size; what was made for one size is kept for the next image of that size.

    Args:
        spec: Shapes and conventions.
        strides: Of each level, px.

    Raises:
        ValueError: Where `spec.sizes` does not fit the levels.
    """

    def __init__(self, spec: AnchorGeneratorSpec, *, strides: Sequence[int]):
        self.spec = spec
        self.strides = tuple(strides)
        for problem in spec.problems_at(self.strides):
            raise ValueError(f"anchors: {problem}")
        sizes = spec.sizes or tuple(tuple(scale * stride for scale in spec.scales) for stride in strides)
        self.cell_anchors = tuple(self._cell(each, stride) for each, stride in zip(sizes, self.strides, strict=True))
        self._grids: OrderedDict[tuple, Anchors] = OrderedDict()

    @property
    def anchors_per_cell(self) -> int:
        """Number of anchors at each cell, the same at all levels."""
        return len(self.cell_anchors[0])

    def feature_sizes(self, image_size: Size) -> tuple[Size, ...]:
        """The sizes of the levels of a padded image, where each halving rounds up as strided convolutions do."""
        height, width = image_size
        return tuple((-(-height // stride), -(-width // stride)) for stride in self.strides)

    def __call__(self, feature_sizes: Sequence[Size], *, image_size: Size, device: torch.device) -> Anchors:
        """The anchors of a pyramid.

        Args:
            feature_sizes: Height and width of each level, cells.
            image_size: Height and width of the padded images, px.
            device: Where they are wanted.
        """
        key = (tuple(feature_sizes), image_size if self.spec.stride_from == "image" else None, device)
        anchors = self._grids.pop(key, None) or self._make(feature_sizes, image_size, device)
        self._grids[key] = anchors
        if len(self._grids) > CACHED_GRIDS:
            self._grids.popitem(last=False)
        return anchors

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

    @torch.inference_mode(False)  # a grid that an evaluation made first must serve training too
    def _make(self, feature_sizes: Sequence[Size], image_size: Size, device: torch.device) -> Anchors:
        boxes, cells, ids = [], [], []
        levels = zip(feature_sizes, self.strides, self.cell_anchors, strict=True)
        for level, ((rows, columns), stride, cell) in enumerate(levels):
            steps = (stride, stride)
            if self.spec.stride_from == "image":
                steps = (image_size[0] // rows, image_size[1] // columns)
            y, x = torch.meshgrid(torch.arange(rows) * steps[0], torch.arange(columns) * steps[1], indexing="ij")
            corners = torch.stack((x, y), dim=-1).view(-1, 1, 2).float()
            boxes.append((corners.repeat(1, 1, 2) + cell).view(-1, 4))
            cells.append(corners.expand(-1, len(cell), -1).reshape(-1, 2))
            # 3 bits for the level, 12 each for row and column, 5 for the shape.
            row, column, shape = torch.arange(rows), torch.arange(columns), torch.arange(len(cell))
            ids.append(((((level << 12) + row[:, None, None]) << 12) + column[:, None] << 5).add(shape).flatten())
        return Anchors(
            boxes=torch.cat(boxes).to(device),
            cells=torch.cat(cells).to(device),
            ids=torch.cat(ids).to(device),
            counts=tuple(len(each) for each in boxes),
        )
