"""Specs of assigners, which match anchors with ground truth, and of samplers, which choose among the matched."""

from collections.abc import Iterable
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
    low_quality: Literal["tied", "best_kept"] = field(
        "tied",
        depends_on={"match_low_quality": (True,)},
        help="An object's best anchors learn it, the last one winning (mmdetection), or their own best (torchvision).",
    )

    def problems(self) -> Iterable[Problem]:
        if self.neg_iou > self.pos_iou:
            yield Problem(path="neg_iou", message=f"must be at most pos_iou ({self.pos_iou:g}), got {self.neg_iou:g}")


@spec
class RandomSamplerSpec(Spec):
    """A random choice of a fixed size, drawn from each image's own key."""

    builds: ClassVar[str] = "specdet.models.matching.random_sampler:RandomSampler"

    num: int = field(256, ge=1, unit="anchors", help="Anchors drawn from an image.")
    pos_fraction: float = field(0.5, gt=0, le=1, help="The largest share of positives; negatives fill up the rest.")
