"""Shapes: a data set that is drawn. Every image is a pure function of (seed, index).

The random bits come from Philox, whose raw stream numpy promises to keep, and everything after is arithmetic that IEEE
754 fixes or that integers do, so the pixels and boxes are the same on every machine and in whatever order.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import attrs
import numpy as np

from specdet.data.polygon import SUBPIXELS, fill_convex
from specdet.data.record import Record
from specdet.data.spec import ShapesSpec

if TYPE_CHECKING:
    from torch import Tensor

CLASSES = ShapesSpec.classes
ELLIPSE_CORNERS = 32
PLACES_TRIED = 12  # before a shape that overlaps the others too much is given up
CONTRAST = 60  # the least difference between a shape and the ground's mean in some channel, of 255
GROUND_CELL = 16  # px between the knots of the ground's texture
GROUND_RANGE = 24  # how far a knot differs from the ground's mean, of 255
BYTES_SUMMED = 4  # four uniform bytes are nearly a normal deviate


class Draws:
    """Integers from one image's own random stream."""

    def __init__(self, *, seed: int, index: int, stream: int):
        # Philox is counter-based: each key is a stream of its own, so nothing has to be hashed or skipped.
        self._bits = np.random.Philox(key=np.array([seed, 2 * index + stream], dtype=np.uint64))
        self._words: list[int] = []

    def integer(self, low: int, high: int) -> int:
        """Uniform in low..high, both included."""
        if not self._words:
            self._words = self._bits.random_raw(64).tolist()
        return low + self._words.pop() % (high - low + 1)

    def bytes(self, count: int) -> np.ndarray:
        """(count,) uint8, uniform."""
        return self._bits.random_raw(-(-count // 8)).astype("<u8").view(np.uint8)[:count]


@attrs.frozen(kw_only=True, eq=False)
class Shape:
    """One object of an image.

    Attributes:
        label: Place in CLASSES.
        colour: RGB, 0 to 255.
        corners: (V, 2) int64 x, y in 1/SUBPIXELS px, a convex outline.
        left, top: px, where the mask lies in the image.
        mask: (h, w) bool; its rows and columns at the border all hold a pixel, so that it is also the box.
    """

    label: int
    colour: tuple[int, int, int]
    corners: np.ndarray
    left: int
    top: int
    mask: np.ndarray

    @property
    def box(self) -> tuple[int, int, int, int]:
        """xyxy, px, half-open, tight around the pixels of the shape."""
        height, width = self.mask.shape
        return self.left, self.top, self.left + width, self.top + height


@attrs.frozen(kw_only=True, eq=False)
class Layout:
    """What is in one image: the mean colour of the ground, and the shapes from back to front."""

    ground: tuple[int, int, int]
    shapes: tuple[Shape, ...]


class Shapes:
    """A Reader that draws: 1 to 6 shapes with sides of 12 to 64 px on textured ground with noise.

    Two boxes of an image share at most `max_overlap` of the smaller one's area. Boxes, masks and polygons are those of
    whole shapes: what a nearer shape hides still counts.
    """

    classes = CLASSES

    def __init__(self, spec: ShapesSpec, *, training: bool = False, headers: bool = False, masks: bool = False):
        # `training` and `headers` are for readers of files: a drawn image always holds a shape and has no header.
        self.spec, self.masks = spec, masks
        self._latest: tuple[int, Layout] | None = None  # an image and its record are asked for together
        self.sizes = np.full((spec.count, 2), spec.size, dtype=np.int64)

    def __len__(self) -> int:
        return self.spec.count

    def record(self, index: int) -> Record:
        """Boxes, labels, mask areas, polygons and, where asked for, masks of one image; draws no pixel."""
        shapes = self.layout(index).shapes
        return Record(
            image_id=index,
            path=None,
            height=self.spec.size,
            width=self.spec.size,
            boxes=np.array([shape.box for shape in shapes], dtype=np.float32),
            labels=np.array([shape.label for shape in shapes], dtype=np.int64),
            crowd=np.zeros(len(shapes), dtype=np.bool_),
            area=np.array([shape.mask.sum() for shape in shapes], dtype=np.float32),
            polygons=tuple(tuple((shape.corners / SUBPIXELS).ravel().tolist()) for shape in shapes),
            masks=self._encoded(shapes) if self.masks else None,
        )

    def image(self, index: int) -> "Tensor":
        """(3, size, size) uint8 RGB."""
        import torch  # who only looks at images does without

        return torch.from_numpy(self.pixels(index)).permute(2, 0, 1).contiguous()

    def pixels(self, index: int) -> np.ndarray:
        """(size, size, 3) uint8 RGB."""
        layout = self.layout(index)
        draws = Draws(seed=self.spec.seed, index=index, stream=1)
        size = self.spec.size
        canvas = _ground(draws, size=size, mean=layout.ground)
        for shape in layout.shapes:
            left, top, right, bottom = shape.box
            canvas[:, top:bottom, left:right][:, shape.mask] = np.array(shape.colour, dtype=np.int16)[:, None]
        summed = draws.bytes(BYTES_SUMMED * canvas.size).reshape(BYTES_SUMMED, -1).sum(axis=0, dtype=np.int16)
        canvas += _noise_of_sum(self.spec.noise)[summed].reshape(canvas.shape)
        return canvas.clip(0, 255).astype(np.uint8).transpose(1, 2, 0)

    def _encoded(self, shapes: Sequence[Shape]) -> tuple[bytes, ...]:
        """The pixels themselves: COCO fills a polygon otherwise, with all that its outline touches."""
        from specdet.masks import rle  # who wants no masks does without

        canvas = np.zeros((len(shapes), self.spec.size, self.spec.size), dtype=np.uint8)
        for mask, shape in zip(canvas, shapes, strict=True):
            left, top, right, bottom = shape.box
            mask[top:bottom, left:right] = shape.mask
        return rle.encode(canvas)

    def layout(self, index: int) -> Layout:
        """Where the shapes of the image at `index` lie."""
        if self._latest is None or self._latest[0] != index:
            self._latest = index, self._laid_out(index)
        return self._latest[1]

    def _laid_out(self, index: int) -> Layout:
        assert 0 <= index < len(self), f"no image {index} among {len(self)}"
        spec = self.spec
        draws = Draws(seed=spec.seed, index=index, stream=0)
        ground = _colour(draws, low=64, high=192)
        shapes: list[Shape] = []
        for _ in range(draws.integer(spec.min_objects, spec.max_objects)):
            corners, label = _outline(draws, min_side=spec.min_side, max_side=spec.max_side)
            colour = _contrasting(draws, ground)
            for _ in range(PLACES_TRIED):
                shape = _place(draws, corners, label=label, colour=colour, size=spec.size)
                if all(_overlap(shape.box, other.box) <= spec.max_overlap for other in shapes):
                    shapes.append(shape)
                    break
        return Layout(ground=ground, shapes=tuple(shapes))


def _outline(draws: Draws, *, min_side: int, max_side: int) -> tuple[np.ndarray, int]:
    """Corners around the origin in 1/SUBPIXELS px, and the label, of a shape whose box has sides within the range."""
    label = draws.integer(0, len(CLASSES) - 1)
    # One subpixel pixel less than the range at each end: rasterising moves an edge by up to half a pixel.
    shortest, longest = (min_side + 1) * SUBPIXELS, (max_side - 1) * SUBPIXELS
    side = draws.integer(shortest, longest)
    while True:
        unit = _unit_outline(draws, CLASSES[label])
        extent = unit.max(axis=0) - unit.min(axis=0)
        scale = side / extent.max()
        if extent.min() * scale >= shortest:
            return np.rint(unit * scale).astype(np.int64), label
        side = min(side + SUBPIXELS, longest)  # a long thin shape is allowed only where it is large


def _unit_outline(draws: Draws, name: str) -> np.ndarray:
    """(V, 2) corners of a turned shape of some aspect ratio from 1:1 to 1:2, in no particular scale."""
    aspect = draws.integer(50, 100) / 100
    if name == "ellipse":
        angles = [2 * math.pi * corner / ELLIPSE_CORNERS for corner in range(ELLIPSE_CORNERS)]
        points = np.array([(math.cos(angle), aspect * math.sin(angle)) for angle in angles])
    elif name == "rectangle":
        points = np.array([(-1.0, -aspect), (1.0, -aspect), (1.0, aspect), (-1.0, aspect)])
    else:
        apex = draws.integer(-60, 60) / 100
        points = np.array([(-1.0, -aspect), (1.0, -aspect), (apex, aspect)])
    turn = 2 * math.pi * draws.integer(0, 359) / 360
    cosine, sine = math.cos(turn), math.sin(turn)
    # Written out: a matrix product may add in another order, or fused, on another machine.
    x, y = points[:, 0], points[:, 1]
    return np.stack([cosine * x - sine * y, sine * x + cosine * y], axis=1)


def _place(draws: Draws, corners: np.ndarray, *, label: int, colour: tuple[int, int, int], size: int) -> Shape:
    low = -corners.min(axis=0)
    high = size * SUBPIXELS - corners.max(axis=0)
    offset = np.array([draws.integer(int(low[axis]), int(high[axis])) for axis in (0, 1)])
    placed = corners + offset
    left, top, mask = fill_convex(placed)
    return Shape(label=label, colour=colour, corners=placed, left=left, top=top, mask=mask)


def _overlap(box: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> float:
    """Intersection over the smaller area."""
    width = min(box[2], other[2]) - max(box[0], other[0])
    height = min(box[3], other[3]) - max(box[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in (box, other)]
    return width * height / min(areas)


def _colour(draws: Draws, *, low: int, high: int) -> tuple[int, int, int]:
    return draws.integer(low, high), draws.integer(low, high), draws.integer(low, high)


def _contrasting(draws: Draws, ground: tuple[int, int, int]) -> tuple[int, int, int]:
    while True:
        colour = _colour(draws, low=0, high=255)
        if max(abs(one - other) for one, other in zip(colour, ground, strict=True)) >= CONTRAST:
            return colour


def _ground(draws: Draws, *, size: int, mean: tuple[int, int, int]) -> np.ndarray:
    """(3, size, size) int16: the mean colour and a smooth texture, bilinear between random knots."""
    knots = size // GROUND_CELL + 2
    heights = draws.bytes(3 * knots * knots).reshape(3, knots, knots).astype(np.int32) - 128
    at = np.arange(size)
    cell, part = at // GROUND_CELL, at % GROUND_CELL
    rows = heights[:, cell] * (GROUND_CELL - part)[:, None] + heights[:, cell + 1] * part[:, None]
    texture = rows[:, :, cell] * (GROUND_CELL - part) + rows[:, :, cell + 1] * part
    texture = texture * GROUND_RANGE // (128 * GROUND_CELL * GROUND_CELL)
    return (texture + np.array(mean)[:, None, None]).astype(np.int16)


@lru_cache(maxsize=8)
def _noise_of_sum(deviation: float) -> np.ndarray:
    """(1021,) int16: the noise that stands for each sum of BYTES_SUMMED uniform bytes."""
    sums = np.arange(255 * BYTES_SUMMED + 1)
    own_deviation = math.sqrt(BYTES_SUMMED * (256**2 - 1) / 12)
    return np.rint((sums - 255 * BYTES_SUMMED / 2) * (deviation / own_deviation)).astype(np.int16)
