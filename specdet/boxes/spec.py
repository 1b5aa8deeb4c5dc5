"""Specs of anchors and box coders."""

from collections.abc import Iterable, Sequence
from typing import ClassVar, Literal

from specdet.spec import Problem, Spec, field, spec


@spec
class AnchorGeneratorSpec(Spec):
    """Anchors on a grid over each pyramid level (Ren et al. 2015, arXiv:1506.01497)."""

    builds: ClassVar[str] = "specdet.boxes.anchors:AnchorGenerator"

    scales: tuple[float, ...] = field(
        (8.0,),
        gt=0,
        min_length=1,
        depends_on={"sizes": (None,)},
        help="Anchor sizes as multiples of a level's stride.",
    )
    scales_per_octave: int = field(
        1,
        ge=1,
        le=8,
        depends_on={"sizes": (None,)},
        help="Of each scale make so many, from itself to below its double by equal factors; RetinaNet has 3.",
    )
    ratios: tuple[float, ...] = field((0.5, 1.0, 2.0), gt=0, min_length=1, help="Heights over widths.")
    sizes: tuple[tuple[float, ...], ...] | None = field(
        None, gt=0, min_length=1, unit="px", help="Anchor sizes of each level, instead of scales."
    )
    center_offset: float = field(0.0, ge=0, le=1, help="Where in its cell an anchor stands, in strides: 0 or 0.5.")
    rounding: bool = field(False, help="Round half widths and half heights to whole pixels, as torchvision does.")
    order: Literal["ratio-major", "size-major"] = field(
        "ratio-major", help="Which of the two changes slowest among the anchors of a cell; detectron2 is size-major."
    )
    stride_from: Literal["level", "image"] = field(
        "level", help="The step between cells: the level's stride, or (torchvision) image size // feature size."
    )

    def problems_at(self, strides: Sequence[int]) -> Iterable[Problem]:
        """What is wrong with these anchors on levels of `strides`, px, that share a head."""
        if self.sizes is None:
            return
        if len(self.sizes) != len(strides):
            message = f"has {len(self.sizes)} levels, but the pyramid has {len(strides)}, of strides {list(strides)}"
            yield Problem(path="sizes", message=message)
        elif len({len(level) for level in self.sizes}) > 1:
            yield Problem(path="sizes", message="every level needs the same number of sizes")


@spec
class SSDAnchorsSpec(Spec):
    """The default boxes of SSD (Liu et al. 2016, arXiv:1512.02325): other shapes on each level, sizes that grow evenly.

    A level of ratios r has a square of its own size, one between its size and the next level's, and 2 boxes an r.
    """

    builds: ClassVar[str] = "specdet.boxes.ssd_anchors:SSDAnchors"

    ratios: tuple[tuple[float, ...], ...] = field(
        ((2.0,), (2.0, 3.0), (2.0, 3.0), (2.0, 3.0), (2.0,), (2.0,)),
        gt=0,
        min_length=1,
        help="Of each level: boxes r times as wide as tall, and r times as tall as wide.",
    )
    scales: tuple[float, ...] | None = field(
        None, gt=0, depends_on={"sizes": (None,)}, help="Sizes of each level and of one beyond, in image sides."
    )
    min_scale: float = field(
        0.15, gt=0, depends_on={"scales": (None,), "sizes": (None,)}, help="Without scales: that of the first level."
    )
    max_scale: float = field(
        0.9, gt=0, depends_on={"scales": (None,), "sizes": (None,)}, help="Without scales: that of the last level."
    )
    sizes: tuple[float, ...] | None = field(
        None, gt=0, unit="px", help="Sizes of each level and of one beyond, instead of scales (mmdetection)."
    )
    steps: tuple[float, ...] | None = field(
        None, gt=0, unit="px", help="Distance of the cells of each level; image size / feature size unless given."
    )
    clip: bool = field(True, help="No box is wider or taller than the image (torchvision); mmdetection does not clip.")

    @property
    def counts(self) -> tuple[int, ...]:
        """Number of anchors in a cell of each level."""
        return tuple(2 + 2 * len(ratios) for ratios in self.ratios)

    def problems(self) -> Iterable[Problem]:
        levels = len(self.ratios)
        for name, wanted in (("scales", levels + 1), ("sizes", levels + 1), ("steps", levels)):
            given = getattr(self, name)
            if given is not None and len(given) != wanted:
                yield Problem(path=name, message=f"has {len(given)} items, but {levels} levels need {wanted}")
        if self.scales is not None and self.sizes is not None:
            yield Problem(path="sizes", message="give scales or sizes, not both")
        if self.min_scale > self.max_scale:
            yield Problem(path="min_scale", message=f"must be at most max_scale ({self.max_scale:g})")

    def problems_at(self, strides: Sequence[int]) -> Iterable[Problem]:
        """What is wrong with these anchors on levels of `strides`, px."""
        if len(self.ratios) != len(strides):
            message = f"has {len(self.ratios)} levels, but the pyramid has {len(strides)}, of strides {list(strides)}"
            yield Problem(path="ratios", message=message)


@spec
class PointsSpec(Spec):
    """One point in each cell of each level."""

    builds: ClassVar[str] = "specdet.boxes.points:PointGenerator"

    offset: float = field(
        0.5, ge=0, le=1, help="Where in its cell a point stands, in strides: 0.5 (mmdetection) or 0 (torchvision)."
    )
    stride_from: Literal["level", "image"] = field(
        "level", help="The step between cells: the level's stride, or (torchvision) image size // feature size."
    )


@spec
class DeltaXYWHSpec(Spec):
    """Boxes as shifts of the centre and logarithms of the size (Girshick et al. 2014, arXiv:1311.2524)."""

    builds: ClassVar[str] = "specdet.boxes.coders:DeltaXYWH"

    means: tuple[float, float, float, float] = field((0.0, 0.0, 0.0, 0.0), help="Taken off dx, dy, dw, dh.")
    stds: tuple[float, float, float, float] = field((1.0, 1.0, 1.0, 1.0), gt=0, help="Then they are divided by these.")
    clamp: Literal["both", "max"] = field(
        "both", help="Hold |dw| and |dh| below log(1000 / 16) (mmdetection), or only growth (torchvision)."
    )
