"""Spec of FCOS."""

from collections.abc import Iterable
from typing import ClassVar, Literal

from specdet.models.detectors.spec import (
    ClassDetectorSpec,
    DetectionTestSpec,
    loss_normalizer_field,
    shared_head_problems,
)
from specdet.spec import Problem, Spec, component, field, spec


@spec
class FCOSTrainSpec(Spec):
    """How the targets and losses of points are made."""

    assigner: Spec = component("point_assigner", default={"type": "FCOS"}, help="Which points learn which object.")
    box_weight: Literal["centerness", "one"] = field(
        "centerness", help="What each point counts for in the loss of boxes; torchvision: one."
    )
    loss_normalizer: Literal["rank", "global"] = loss_normalizer_field("global")


@spec
class FCOSTestSpec(DetectionTestSpec):
    """How detections are made of what is said of points."""

    score: Literal["product", "root"] = field(
        "product",
        help="Class score times centerness, min_score and the choice of the best looking at the class alone "
        "(mmdetection), or the root of that, looked at everywhere (torchvision).",
    )


@spec
class FCOSSpec(ClassDetectorSpec):
    """Fully convolutional one-stage detector (Tian et al. 2019, arXiv:1904.01355): boxes around points, no anchors."""

    builds: ClassVar[str] = "specdet.models.detectors.single_stage:SingleStageDetector"

    bbox_head: Spec = component("fcos_head", default={"type": "FCOSHead"}, help="What tells classes and boxes.")
    train: FCOSTrainSpec = field(factory=FCOSTrainSpec, help="How targets and losses are made.")
    test: FCOSTestSpec = field(factory=FCOSTestSpec, help="How detections are made.")

    def problems(self) -> Iterable[Problem]:
        pyramid = self.pyramid()
        yield from shared_head_problems(pyramid, self.bbox_head, path="bbox_head")
        if pyramid.strides is not None and not pyramid.problems:
            for problem in self.train.assigner.problems_at(pyramid.strides):
                yield problem.under("train.assigner")
