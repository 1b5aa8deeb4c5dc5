"""Spec of SSD and SSDLite."""

from collections.abc import Iterable
from typing import Any, ClassVar, Literal

from specdet.models.detectors.spec import ClassDetectorSpec, DetectionTestSpec, loss_normalizer_field
from specdet.spec import Problem, Spec, component, field, spec


@spec
class SSDTrainSpec(Spec):
    """How the targets and losses of default boxes are made."""

    assigner: Spec = component(
        "assigner",
        default={"type": "MaxIoU", "pos_iou": 0.5, "neg_iou": 0.5, "min_pos_iou": 0.0, "low_quality": "first"},
        help="Which anchors are positive, and for what.",
    )
    neg_ratio: float = field(3.0, gt=0, help="Negatives for each positive: those that are furthest from background.")
    average: Literal["at_least_one", "positives"] = field(
        "at_least_one",
        help="What losses are divided by: positives, of each image one at least (mmdetection), or of the batch.",
    )
    loss_normalizer: Literal["rank", "global"] = loss_normalizer_field()


@spec
class SSDTestSpec(DetectionTestSpec):
    """How detections are made of the outputs of SSD."""

    nms_pre: int = field(400, ge=1, unit="boxes", help="Best boxes of each class or level that go into suppression.")
    best_of: Literal["class", "level"] = field(
        "class", help="Of what nms_pre are taken: of each class (torchvision), or of each level (mmdetection)."
    )
    min_score: float = field(0.01, ge=0, le=1, help="Boxes that score less, or just as much, go.")
    nms_iou: float = field(0.45, ge=0, le=1, help="Overlap above which the worse of two boxes of a class goes.")
    max_detections: int = field(200, ge=1, unit="boxes", help="Detections given for an image, at most.")


@spec
class SSDSpec(ClassDetectorSpec):
    """Single shot detector (Liu et al. 2016, arXiv:1512.02325): images of one size, other boxes on each level.

    Images are stretched to one size (transform Stretch), and `data.size_divisor` divides it.
    """

    builds: ClassVar[str] = "specdet.models.detectors.ssd:SSD"

    bbox_head: Spec = component("ssd_head", default={"type": "SSDHead"}, help="What tells classes and boxes.")
    train: SSDTrainSpec = field(factory=SSDTrainSpec, help="How targets and losses are made.")
    test: SSDTestSpec = field(factory=SSDTestSpec, help="How detections are made.")

    def problems(self) -> Iterable[Problem]:
        pyramid = self.pyramid()
        yield from pyramid.problems
        anchors: Any = getattr(self.bbox_head, "anchors", None)
        if pyramid.strides is not None and hasattr(anchors, "problems_at"):
            for problem in anchors.problems_at(pyramid.strides):
                yield problem.under("bbox_head.anchors")
