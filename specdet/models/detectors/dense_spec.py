"""Specs of detectors whose one head tells classes at every anchor of a pyramid."""

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
class DenseTrainSpec(Spec):
    """How targets are made for heads over anchors that learn from all of them."""

    assigner: Spec = component(
        "assigner",
        default={"type": "MaxIoU", "pos_iou": 0.5, "neg_iou": 0.4, "min_pos_iou": 0.0},
        help="Which anchors are positive, and for what.",
    )
    allowed_border: int = field(
        -1, ge=-1, unit="px", help="Leave out anchors that reach further out of the image; -1 keeps them all."
    )
    exclude_padding: bool = field(
        True, help="Leave out anchors beyond the image's own multiple of size_divisor; torchvision keeps them."
    )
    loss_normalizer: Literal["rank", "global"] = loss_normalizer_field()


@spec
class RetinaTrainSpec(DenseTrainSpec):
    """How the targets and losses of RetinaNet are made."""

    average: Literal["batch", "image"] = field(
        "batch",
        help="What losses are divided by, each image counting one positive at least: the positives of the batch "
        "(mmdetection), or each image by its own, then by the number of images (torchvision).",
    )


@spec
class ATSSTrainSpec(DenseTrainSpec):
    """How the targets and losses of ATSS are made."""

    assigner: Spec = component("assigner", default={"type": "ATSS"}, help="Which anchors are positive, and for what.")
    loss_normalizer: Literal["rank", "global"] = loss_normalizer_field("global")


@spec
class ATSSTestSpec(DetectionTestSpec):
    """How detections of ATSS are made."""

    nms_iou: float = field(0.6, ge=0, le=1, help="Overlap above which the worse of two boxes of a class goes.")


@spec
class RetinaNetSpec(ClassDetectorSpec):
    """RetinaNet (Lin et al. 2017, arXiv:1708.02002): every anchor of a pyramid tells its class, by focal loss."""

    builds: ClassVar[str] = "specdet.models.detectors.single_stage:SingleStageDetector"

    bbox_head: Spec = component("retina_head", default={"type": "RetinaHead"}, help="What tells classes and boxes.")
    train: RetinaTrainSpec = field(factory=RetinaTrainSpec, help="How targets and losses are made.")
    test: DetectionTestSpec = field(factory=DetectionTestSpec, help="How detections are made.")

    def problems(self) -> Iterable[Problem]:
        return shared_head_problems(self.pyramid(), self.bbox_head, path="bbox_head")


@spec
class ATSSSpec(ClassDetectorSpec):
    """ATSS (Zhang et al. 2019, arXiv:1912.02424): positives by what is usual among the anchors near each object."""

    builds: ClassVar[str] = "specdet.models.detectors.single_stage:SingleStageDetector"

    bbox_head: Spec = component("atss_head", default={"type": "ATSSHead"}, help="What tells classes and boxes.")
    train: ATSSTrainSpec = field(factory=ATSSTrainSpec, help="How targets and losses are made.")
    test: ATSSTestSpec = field(factory=ATSSTestSpec, help="How detections are made.")

    def problems(self) -> Iterable[Problem]:
        return shared_head_problems(self.pyramid(), self.bbox_head, path="bbox_head")
