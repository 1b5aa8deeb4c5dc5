"""Specs of what stands on proposals: how they are cut out of a pyramid, and heads that tell what is in them."""

from collections.abc import Iterable
from typing import Any, ClassVar, Literal

from specdet.spec import Problem, Spec, component, field, spec


@spec
class RoIExtractorSpec(Spec):
    """Features of each box by RoIAlign (He et al. 2017, arXiv:1703.06870) from the level that suits its size."""

    builds: ClassVar[str] = "specdet.models.roi_heads.roi_extractor:RoIExtractor"

    output_size: int = field(7, ge=1, unit="cells", help="Height and width of what is cut out.")
    num_levels: int = field(4, ge=1, help="Levels that are cut from, at most: the finest of the pyramid.")
    finest_scale: float = field(
        56.0,
        gt=0,
        unit="px",
        help="Smaller than twice this: the finest level; at each doubling the next one.",
    )
    level_rule: Literal["mmdetection", "torchvision", "detectron2"] = field(
        "mmdetection",
        advanced=True,
        help="What keeps a box right at a border on the coarser level: 1e-6 added to its size over finest_scale, 1e-6 "
        "to the logarithm, or 1e-8 to its size over four times finest_scale.",
    )
    sampling_ratio: int = field(
        0, ge=0, help="Points of a cell in each direction; 0 takes as many as its size needs (torchvision's models: 2)."
    )
    aligned: bool = field(True, help="Count pixels from their centres; torchvision's models were trained without.")


@spec
class BBoxHeadSpec(Spec):
    """Convolutions and fully connected layers, then a class and a box (Girshick 2015, arXiv:1504.08083)."""

    builds: ClassVar[str] = "specdet.models.roi_heads.bbox_head:BBoxHead"

    num_convs: int = field(0, ge=0, help="Number of 3x3 convolutions, before all else.")
    conv_channels: int = field(256, ge=1, help="Channels of the convolutions.")
    num_fcs: int = field(2, ge=0, help="Number of fully connected layers after them.")
    fc_channels: int = field(1024, ge=1, reference=True, help="Channels of the fully connected layers.")
    norm: Literal["none", "BN", "GN", "SyncBN"] = field("none", help="Normalisation after each convolution.")
    class_agnostic: bool = field(False, help="One box for all classes, instead of one for each.")
    coder: Spec = component(
        "coder", default={"type": "DeltaXYWH", "stds": [0.1, 0.1, 0.2, 0.2]}, help="What the head predicts for a box."
    )
    loss_cls: Spec = component("loss", default={"type": "CrossEntropy"}, help="Loss of the class, background included.")
    loss_box: Spec = component("loss", default={"type": "L1"}, help="Loss of boxes.")


@spec
class MaskHeadSpec(Spec):
    """Convolutions, then a mask of each class, twice the size of the cut (He et al. 2017, arXiv:1703.06870)."""

    builds: ClassVar[str] = "specdet.models.roi_heads.mask_head:MaskHead"

    num_convs: int = field(4, ge=0, help="Number of 3x3 convolutions.")
    channels: int = field(256, ge=1, reference=True, help="Channels of the convolutions, and of the one that enlarges.")
    norm: Literal["none", "BN", "GN", "SyncBN"] = field("none", help="Normalisation after each 3x3 convolution.")
    class_agnostic: bool = field(False, help="One mask for all classes, instead of one for each.")
    targets: Literal["binary", "soft"] = field(
        "binary",
        help="What each cell learns: whether half of it belongs to the object (mmdetection, detectron2), or how much, "
        "cut out without alignment (torchvision).",
    )
    loss_mask: Spec = component("loss", default={"type": "BinaryCrossEntropy"}, help="Loss of each cell of a mask.")


@spec
class RoIHeadSpec(Spec):
    """What heads on proposals have."""

    cascaded: ClassVar[bool] = False

    bbox_roi_extractor: Spec = component(
        "roi_extractor", default={"type": "RoIExtractor"}, help="How proposals are cut out for the class and the box."
    )
    mask_roi_extractor: Spec = component(
        "roi_extractor",
        default={"type": "RoIExtractor", "output_size": 14},
        help="How boxes are cut out for their masks, where there is a mask_head.",
    )
    mask_head: Spec | None = component("mask_head", default=None, help="What tells the mask in a box.")


@spec
class StandardRoIHeadSpec(RoIHeadSpec):
    """Proposals are told and refined once (Ren et al. 2015, arXiv:1506.01497)."""

    builds: ClassVar[str] = "specdet.models.roi_heads.standard:StandardRoIHead"

    bbox_head: Spec = component("bbox_head", default={"type": "BBoxHead"}, help="What tells the class and the box.")


@spec
class CascadeStageSpec(Spec):
    """One stage of a cascade."""

    weight: float = field(1.0, ge=0, help="Factor on the losses of this stage.")
    assigner: Spec = component(
        "assigner",
        default={"type": "MaxIoU", "pos_iou": 0.5, "neg_iou": 0.5, "match_low_quality": False},
        help="Which boxes that come to this stage are positive, and for what.",
    )
    bbox_head: Spec = component(
        "bbox_head",
        default={"type": "BBoxHead", "class_agnostic": True, "loss_box": {"type": "SmoothL1"}},
        help="What tells the class and the box.",
    )


def paper_stages() -> dict[str, CascadeStageSpec]:
    """The three stages of the paper, as mmdetection has them."""
    return {
        "stage1": _stage(weight=1.0, iou=0.5, stds=(0.1, 0.1, 0.2, 0.2)),
        "stage2": _stage(weight=0.5, iou=0.6, stds=(0.05, 0.05, 0.1, 0.1)),
        "stage3": _stage(weight=0.25, iou=0.7, stds=(0.033, 0.033, 0.067, 0.067)),
    }


def _stage(*, weight: float, iou: float, stds: tuple[float, ...]) -> CascadeStageSpec:
    tables: dict[str, Any] = {  # they lie over the defaults of a stage
        "assigner": {"pos_iou": iou, "neg_iou": iou},
        "bbox_head": {"coder": {"stds": list(stds)}},
    }
    return CascadeStageSpec(weight=weight, **tables)


@spec
class CascadeRoIHeadSpec(RoIHeadSpec):
    """Stages of heads, each on the boxes that the one before refined (Cai and Vasconcelos 2017, arXiv:1712.00726)."""

    builds: ClassVar[str] = "specdet.models.roi_heads.cascade:CascadeRoIHead"
    cascaded: ClassVar[bool] = True

    stages: dict[str, CascadeStageSpec] = field(
        factory=paper_stages, help="The stages in their order, by names that their losses bear."
    )
    average: Literal["logits", "probs"] = field(
        "logits",
        help="What the mean of all stages is taken of: outputs before the softmax (mmdetection) or after (detectron2).",
    )
    resample: bool = field(
        True, help="Draw a new sample for each stage, ground truth added (mmdetection), or keep the first (detectron2)."
    )
    masks: Literal["every_stage", "once"] = field(
        "every_stage",
        help="A mask head for each stage, of whose masks the mean is taken (mmdetection), or one, which learns from "
        "the sample of the first stage (detectron2).",
    )
    scale_gradients: bool = field(
        False, help="Divide the gradients of the pyramid by the number of stages, as detectron2 does."
    )

    def problems(self) -> Iterable[Problem]:
        if not self.stages:
            yield Problem(path="stages", message="name at least one stage")
