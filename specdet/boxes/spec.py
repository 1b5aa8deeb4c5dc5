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
class DeltaXYWHSpec(Spec):
    """Boxes as shifts of the centre and logarithms of the size (Girshick et al. 2014, arXiv:1311.2524)."""

    builds: ClassVar[str] = "specdet.boxes.coders:DeltaXYWH"

    means: tuple[float, float, float, float] = field((0.0, 0.0, 0.0, 0.0), help="Taken off dx, dy, dw, dh.")
    stds: tuple[float, float, float, float] = field((1.0, 1.0, 1.0, 1.0), gt=0, help="Then they are divided by these.")
    clamp: Literal["both", "max"] = field(
        "both", help="Hold |dw| and |dh| below log(1000 / 16) (mmdetection), or only growth (torchvision)."
    )
