"""Specs of detectors that tell what is in proposals."""

from collections.abc import Iterable
from typing import Any, ClassVar, Literal

from specdet.models.detectors.spec import (
    ClassDetectorSpec,
    RPNTestSpec,
    RPNTrainSpec,
    loss_normalizer_field,
    shared_head_problems,
)
from specdet.spec import Problem, Spec, component, field, spec


@spec
class TrainProposalsSpec(RPNTestSpec):
    """How proposals to train on are made of the outputs of the region proposal network."""

    nms_pre: int = field(2000, ge=1, unit="anchors", help="Best anchors of each level that go into suppression.")


@spec
class RoITrainSpec(Spec):
    """How the sample of proposals is drawn that heads on them are trained on."""

    sampler: Spec = component(
        "sampler",
        default={"type": "Random", "num": 512, "pos_fraction": 0.25},
        help="Which proposals the losses are taken from.",
    )
    add_truth: bool = field(True, help="Sample from the ground truth, too.")
    loss_normalizer: Literal["rank", "global"] = loss_normalizer_field()


@spec
class MatchedRoITrainSpec(RoITrainSpec):
    """How proposals are matched with ground truth, and the sample of them is drawn."""

    assigner: Spec = component(
        "assigner",
        default={"type": "MaxIoU", "pos_iou": 0.5, "neg_iou": 0.5, "match_low_quality": False},
        help="Which proposals are positive, and for what.",
    )


@spec
class RoITestSpec(Spec):
    """How detections are made of what is said of proposals."""

    min_score: float = field(0.05, ge=0, le=1, help="Boxes that score less, or just as much, go.")
    min_size: float = field(0.0, ge=0, unit="px", help="Boxes whose width or height is less, or 0, go.")
    nms_iou: float = field(0.5, ge=0, le=1, help="Overlap above which the worse of two boxes of a class goes.")
    max_detections: int = field(100, ge=1, unit="boxes", help="Detections given for an image, at most.")


@spec
class FastRCNNTrainSpec(Spec):
    """How targets and losses of the heads on proposals are made."""

    roi: MatchedRoITrainSpec = field(factory=MatchedRoITrainSpec, help="Of the head on proposals.")


@spec
class FasterRCNNTrainSpec(FastRCNNTrainSpec):
    """How targets and losses are made, of proposals and of the heads on them."""

    rpn: RPNTrainSpec = field(factory=RPNTrainSpec, help="Of the region proposal network.")
    proposals: TrainProposalsSpec = field(factory=TrainProposalsSpec, help="How it makes proposals to train on.")


@spec
class CascadeRCNNTrainSpec(Spec):
    """How targets and losses are made; which boxes are positive is said of each stage."""

    rpn: RPNTrainSpec = field(factory=RPNTrainSpec, help="Of the region proposal network.")
    proposals: TrainProposalsSpec = field(factory=TrainProposalsSpec, help="How it makes proposals to train on.")
    roi: RoITrainSpec = field(factory=RoITrainSpec, help="Of the heads on proposals.")


@spec
class FastRCNNTestSpec(Spec):
    """How detections are made."""

    roi: RoITestSpec = field(factory=RoITestSpec, help="Of what is said of proposals.")


@spec
class TwoStageTestSpec(FastRCNNTestSpec):
    """How proposals and detections are made."""

    rpn: RPNTestSpec = field(factory=RPNTestSpec, help="How proposals are made.")


@spec
class MaskRoITestSpec(RoITestSpec):
    """How detections and their masks are made of what is said of proposals."""

    mask_threshold: float = field(0.5, gt=0, le=1, help="From this probability on a pixel belongs to the object.")
    mask_paste: Literal["exact", "whole_pixels"] = field(
        "exact",
        help="How a mask is stretched over its box: exactly (mmdetection, detectron2), or with a border and from whole "
        "pixel to whole pixel (torchvision).",
    )


@spec
class MaskTestSpec(TwoStageTestSpec):
    """How proposals, detections and masks are made."""

    roi: MaskRoITestSpec = field(factory=MaskRoITestSpec, help="Of what is said of proposals.")


def mask_head_problems(roi_head: Any, *, wanted: bool) -> Iterable[Problem]:
    """A detector of masks without a mask head, or the other way round."""
    found = getattr(roi_head, "mask_head", None) is not None
    if found and not wanted:
        message = "this detector gives no masks: use a MaskRCNN or a CascadeMaskRCNN, or remove it"
        yield Problem(path="roi_head.mask_head", message=message)
    elif wanted and not found:
        message = 'the detector gives masks, and nothing tells them: add one, as with mask_head.type = "MaskHead"'
        yield Problem(path="roi_head", message=message)


def roi_head_problems(roi_head: Any, *, cascaded: bool) -> Iterable[Problem]:
    """A head in stages in a detector that has none, or the other way round."""
    found = getattr(roi_head, "cascaded", cascaded)
    if found != cascaded:
        message = "has stages; use it in a CascadeRCNN" if found else "has no stages; a cascade needs a head that has"
        yield Problem(path="roi_head.type", message=message)


@spec
class FastRCNNSpec(ClassDetectorSpec):
    """Tells what is in proposals that were found before (Girshick 2015, arXiv:1504.08083)."""

    builds: ClassVar[str] = "specdet.models.detectors.two_stage:FastRCNN"
    uses_proposals: ClassVar[bool] = True

    roi_head: Spec = component("roi_head", default={"type": "StandardRoIHead"}, help="What tells proposals apart.")
    train: FastRCNNTrainSpec = field(factory=FastRCNNTrainSpec, help="How targets and losses are made.")
    test: FastRCNNTestSpec = field(factory=FastRCNNTestSpec, help="How detections are made.")

    def problems(self) -> Iterable[Problem]:
        yield from shared_head_problems(self.pyramid(), None, path="roi_head")
        yield from roi_head_problems(self.roi_head, cascaded=False)
        yield from mask_head_problems(self.roi_head, wanted=self.gives_masks)


@spec
class FasterRCNNSpec(ClassDetectorSpec):
    """A region proposal network, and a head that tells its proposals apart (Ren et al. 2015, arXiv:1506.01497)."""

    builds: ClassVar[str] = "specdet.models.detectors.two_stage:FasterRCNN"

    rpn_head: Spec = component("rpn_head", default={"type": "RPNHead"}, help="What makes proposals of the pyramid.")
    roi_head: Spec = component("roi_head", default={"type": "StandardRoIHead"}, help="What tells proposals apart.")
    train: FasterRCNNTrainSpec = field(factory=FasterRCNNTrainSpec, help="How targets and losses are made.")
    test: TwoStageTestSpec = field(factory=TwoStageTestSpec, help="How proposals and detections are made.")

    def problems(self) -> Iterable[Problem]:
        yield from shared_head_problems(self.pyramid(), self.rpn_head, path="rpn_head")
        yield from roi_head_problems(self.roi_head, cascaded=False)
        yield from mask_head_problems(self.roi_head, wanted=self.gives_masks)


@spec
class CascadeRCNNSpec(ClassDetectorSpec):
    """Proposals refined in stages, each stricter than the last (Cai and Vasconcelos 2017, arXiv:1712.00726)."""

    builds: ClassVar[str] = "specdet.models.detectors.two_stage:CascadeRCNN"

    rpn_head: Spec = component("rpn_head", default={"type": "RPNHead"}, help="What makes proposals of the pyramid.")
    roi_head: Spec = component("roi_head", default={"type": "CascadeRoIHead"}, help="What tells proposals apart.")
    train: CascadeRCNNTrainSpec = field(factory=CascadeRCNNTrainSpec, help="How targets and losses are made.")
    test: TwoStageTestSpec = field(factory=TwoStageTestSpec, help="How proposals and detections are made.")

    def problems(self) -> Iterable[Problem]:
        yield from shared_head_problems(self.pyramid(), self.rpn_head, path="rpn_head")
        yield from roi_head_problems(self.roi_head, cascaded=True)
        yield from mask_head_problems(self.roi_head, wanted=self.gives_masks)


@spec
class MaskRCNNSpec(FasterRCNNSpec):
    """Faster R-CNN with a mask for each object (He et al. 2017, arXiv:1703.06870)."""

    builds: ClassVar[str] = "specdet.models.detectors.two_stage:MaskRCNN"
    gives_masks: ClassVar[bool] = True

    roi_head: Spec = component(
        "roi_head",
        default={"type": "StandardRoIHead", "mask_head": {"type": "MaskHead"}},
        help="What tells proposals apart, and masks.",
    )
    test: MaskTestSpec = field(factory=MaskTestSpec, help="How proposals, detections and masks are made.")


@spec
class CascadeMaskRCNNSpec(CascadeRCNNSpec):
    """Cascade R-CNN with a mask for each object (Cai and Vasconcelos 2019, arXiv:1906.09756)."""

    builds: ClassVar[str] = "specdet.models.detectors.two_stage:CascadeMaskRCNN"
    gives_masks: ClassVar[bool] = True

    roi_head: Spec = component(
        "roi_head",
        default={"type": "CascadeRoIHead", "mask_head": {"type": "MaskHead"}},
        help="What tells proposals apart, and masks.",
    )
    test: MaskTestSpec = field(factory=MaskTestSpec, help="How proposals, detections and masks are made.")
