"""Specs of assigners, which match anchors with ground truth, and of samplers, which choose among the matched."""

from collections.abc import Iterable, Sequence
from typing import ClassVar, Literal

from specdet.spec import Problem, Spec, field, spec


@spec
class MaxIoUAssignerSpec(Spec):
    """Each anchor goes to the ground truth that it overlaps most (Ren et al. 2015, arXiv:1506.01497)."""

    builds: ClassVar[str] = "specdet.models.matching.max_iou:MaxIoUAssigner"

    pos_iou: float = field(0.7, ge=0, le=1, help="From this IoU on an anchor is positive.")
    neg_iou: float = field(0.3, ge=0, le=1, help="Below this IoU an anchor is negative; between the two it is ignored.")
    min_pos_iou: float = field(
        0.3,
        ge=0,
        le=1,
        depends_on={"match_low_quality": (True,)},
        help="The least IoU at which a ground truth's best anchor is positive.",
    )
    match_low_quality: bool = field(True, help="Whether the best anchors of a ground truth are positive below pos_iou.")
    low_quality: Literal["tied", "best_kept", "first"] = field(
        "tied",
        depends_on={"match_low_quality": (True,)},
        help="An object's best anchors learn it, the last one winning (mmdetection), or their own best (torchvision), "
        "or its first best anchor alone learns it, the last object winning (SSD).",
    )

    def problems(self) -> Iterable[Problem]:
        if self.neg_iou > self.pos_iou:
            yield Problem(path="neg_iou", message=f"must be at most pos_iou ({self.pos_iou:g}), got {self.neg_iou:g}")


@spec
class ATSSAssignerSpec(Spec):
    """Of the anchors near an object, those that overlap it unusually well (Zhang et al. 2019, arXiv:1912.02424)."""

    builds: ClassVar[str] = "specdet.models.matching.atss:ATSSAssigner"

    per_level: int = field(9, ge=1, unit="anchors", help="Anchors of each level that are looked at for an object.")


@spec
class RandomSamplerSpec(Spec):
    """A random choice of a fixed size, drawn from each image's own key."""

    builds: ClassVar[str] = "specdet.models.matching.random_sampler:RandomSampler"

    num: int = field(256, ge=1, unit="anchors", help="Anchors drawn from an image.")
    pos_fraction: float = field(0.5, gt=0, le=1, help="The largest share of positives; negatives fill up the rest.")


@spec
class FCOSAssignerSpec(Spec):
    """Each point inside a box goes to it; of several, to the smallest (Tian et al. 2019, arXiv:1904.01355)."""

    builds: ClassVar[str] = "specdet.models.matching.fcos:FCOSAssigner"

    center_radius: float | None = field(
        None, gt=0, unit="strides", help="Take points so near to the centre of a box alone; all points in it: unset."
    )
    borders: tuple[float, ...] | None = field(
        None,
        gt=0,
        unit="px",
        help="Where one level ends and the next begins, by the farthest side of the box; 8 strides unless given.",
    )
    closed: bool = field(True, help="A side right at a border counts for both levels (mmdetection), or for neither.")

    def problems(self) -> Iterable[Problem]:
        if self.borders is not None and list(self.borders) != sorted(set(self.borders)):
            yield Problem(path="borders", message="must grow, such as [64, 128, 256, 512]")

    def problems_at(self, strides: Sequence[int]) -> Iterable[Problem]:
        """What is wrong with this assigner on levels of `strides`, px."""
        if self.borders is not None and len(self.borders) != len(strides) - 1:
            message = f"has {len(self.borders)} items, but {len(strides)} levels have {len(strides) - 1} borders"
            yield Problem(path="borders", message=message)
