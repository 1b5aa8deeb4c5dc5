"""Grids over feature maps: where cells lie, what they are called, and what was laid over them for a size of image."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

import torch
from torch import Tensor

T = TypeVar("T")
Size = tuple[int, int]  # height, width

CACHED_GRIDS = 16  # image shapes remembered; at 1333 x 800 px the anchors of a pyramid take 6 MB


class GridCache(Generic[T]):
    """What was made for one size is kept for the next image of that size; the least used goes."""

    def __init__(self):
        self._kept: OrderedDict[Hashable, T] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `key` stands for, made where it is not there."""
        if key in self._kept:
            self._kept.move_to_end(key)
        else:
            with torch.inference_mode(False):  # what an evaluation made first must serve training too
                self._kept[key] = make()
        if len(self._kept) > CACHED_GRIDS:
            self._kept.popitem(last=False)
        return self._kept[key]


class PyramidGrid(Generic[T]):
    """Base of what lies on the cells of pyramids of any size, made once for each size.

    Args:
        strides: Of each level, px.
        by_image: Whether it depends on the size of the images besides that of the levels.
    """

    def __init__(self, *, strides: Sequence[int], by_image: bool):
        self.strides = tuple(strides)
        self._by_image = by_image
        self._grids: GridCache[T] = GridCache()

    def feature_sizes(self, image_size: Size) -> tuple[Size, ...]:
        """The sizes of the levels of a padded image, where each halving rounds up as strided convolutions do."""
        return feature_sizes(image_size, self.strides)

    def __call__(self, feature_sizes: Sequence[Size], *, image_size: Size, device: torch.device) -> T:
        """All that lies on a pyramid.

        Args:
            feature_sizes: Height and width of each level, cells.
            image_size: Height and width of the padded images, px.
            device: Where it is wanted.
        """
        key = (tuple(feature_sizes), image_size if self._by_image else None, device)
        return self._grids.get(key, lambda: self._make(feature_sizes, image_size, device))

    def _make(self, feature_sizes: Sequence[Size], image_size: Size, device: torch.device) -> T:
        raise NotImplementedError  # anchors and points each say how


def feature_sizes(image_size: Size, strides: Sequence[int]) -> tuple[Size, ...]:
    """Heights and widths of the levels of a padded image, where each halving rounds up as strided convolutions do."""
    height, width = image_size
    return tuple((-(-height // stride), -(-width // stride)) for stride in strides)


def cell_corners(rows: int, columns: int, *, steps: tuple[float, float]) -> Tensor:
    """(rows, columns, 2) float32 x and y of the upper left corner of each cell, px; `steps` are down and across."""
    y, x = torch.meshgrid(torch.arange(rows) * steps[0], torch.arange(columns) * steps[1], indexing="ij")
    return torch.stack((x, y), dim=-1).float()


def cell_ids(level: int, rows: int, columns: int, *, shapes: int) -> Tensor:
    """(rows * columns * shapes,) int64 below 2^32; a level, cell and shape have the same one in grids of any size."""
    # 3 bits for the level, 12 each for row and column, 5 for the shape.
    row, column, shape = torch.arange(rows), torch.arange(columns), torch.arange(shapes)
    return ((((level << 12) + row[:, None, None]) << 12) + column[:, None] << 5).add(shape).flatten()
