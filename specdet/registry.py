"""The table of contents: which tags a spec may name, and the spec class behind each.

One line per component. A tag is a closed name, never an import path; the class is imported when the tag is first used,
so reading this table costs nothing. Nothing here imports torch.
"""

from collections.abc import Iterable, Mapping
from importlib import import_module
from types import MappingProxyType

Components = Mapping[str, Mapping[str, str | type]]  # family -> tag -> "module:Class", or the class itself

COMPONENTS: Components = MappingProxyType(
    {
        "detector": {
            "RPN": "specdet.models.detectors.spec:RPNSpec",
            "FastRCNN": "specdet.models.detectors.two_stage_spec:FastRCNNSpec",
            "FasterRCNN": "specdet.models.detectors.two_stage_spec:FasterRCNNSpec",
            "CascadeRCNN": "specdet.models.detectors.two_stage_spec:CascadeRCNNSpec",
            "MaskRCNN": "specdet.models.detectors.two_stage_spec:MaskRCNNSpec",
            "CascadeMaskRCNN": "specdet.models.detectors.two_stage_spec:CascadeMaskRCNNSpec",
            "RetinaNet": "specdet.models.detectors.dense_spec:RetinaNetSpec",
            "ATSS": "specdet.models.detectors.dense_spec:ATSSSpec",
            "FCOS": "specdet.models.detectors.fcos_spec:FCOSSpec",
            "SSD": "specdet.models.detectors.ssd_spec:SSDSpec",
        },
        "backbone": {
            "ResNet": "specdet.models.backbones.spec:ResNetSpec",
            "VGG": "specdet.models.backbones.vgg_spec:VGGSpec",
            "MobileNetV3": "specdet.models.backbones.mobilenet_spec:MobileNetV3Spec",
            "ResNeXt": "specdet.models.backbones.spec:ResNeXtSpec",
            "Timm": "specdet.models.backbones.spec:TimmSpec",
            "Torchvision": "specdet.models.backbones.spec:TorchvisionSpec",
        },
        "neck": {
            "FPN": "specdet.models.necks.spec:FPNSpec",
            "SSDExtra": "specdet.models.necks.spec:SSDExtraSpec",
        },
        "rpn_head": {
            "RPNHead": "specdet.models.heads.spec:RPNHeadSpec",
        },
        "retina_head": {
            "RetinaHead": "specdet.models.heads.spec:RetinaHeadSpec",
        },
        "atss_head": {
            "ATSSHead": "specdet.models.heads.spec:ATSSHeadSpec",
        },
        "fcos_head": {
            "FCOSHead": "specdet.models.heads.spec:FCOSHeadSpec",
        },
        "ssd_head": {
            "SSDHead": "specdet.models.heads.spec:SSDHeadSpec",
        },
        "roi_head": {
            "StandardRoIHead": "specdet.models.roi_heads.spec:StandardRoIHeadSpec",
            "CascadeRoIHead": "specdet.models.roi_heads.spec:CascadeRoIHeadSpec",
        },
        "mask_head": {
            "MaskHead": "specdet.models.roi_heads.spec:MaskHeadSpec",
        },
        "roi_extractor": {
            "RoIExtractor": "specdet.models.roi_heads.spec:RoIExtractorSpec",
        },
        "bbox_head": {
            "BBoxHead": "specdet.models.roi_heads.spec:BBoxHeadSpec",
        },
        "anchors": {
            "AnchorGenerator": "specdet.boxes.spec:AnchorGeneratorSpec",
        },
        "default_boxes": {
            "SSDAnchors": "specdet.boxes.spec:SSDAnchorsSpec",
        },
        "points": {
            "Points": "specdet.boxes.spec:PointsSpec",
        },
        "coder": {
            "DeltaXYWH": "specdet.boxes.spec:DeltaXYWHSpec",
        },
        "assigner": {
            "MaxIoU": "specdet.models.matching.spec:MaxIoUAssignerSpec",
            "ATSS": "specdet.models.matching.spec:ATSSAssignerSpec",
        },
        "point_assigner": {
            "FCOS": "specdet.models.matching.spec:FCOSAssignerSpec",
        },
        "sampler": {
            "Random": "specdet.models.matching.spec:RandomSamplerSpec",
        },
        "loss": {
            "CrossEntropy": "specdet.models.losses.spec:CrossEntropySpec",
            "BinaryCrossEntropy": "specdet.models.losses.spec:BinaryCrossEntropySpec",
            "L1": "specdet.models.losses.spec:L1LossSpec",
            "SmoothL1": "specdet.models.losses.spec:SmoothL1LossSpec",
            "IoU": "specdet.models.losses.spec:IoULossSpec",
            "GIoU": "specdet.models.losses.spec:GIoULossSpec",
            "DIoU": "specdet.models.losses.spec:DIoULossSpec",
            "CIoU": "specdet.models.losses.spec:CIoULossSpec",
            "Focal": "specdet.models.losses.spec:FocalLossSpec",
            "QualityFocal": "specdet.models.losses.spec:QualityFocalLossSpec",
        },
        "dataset": {
            "Coco": "specdet.data.spec:CocoSpec",
            "Voc": "specdet.data.spec:VocSpec",
            "Yolo": "specdet.data.spec:YoloSpec",
            "Shapes": "specdet.data.spec:ShapesSpec",
        },
        "transform": {
            "Resize": "specdet.data.transforms.spec:ResizeSpec",
            "Stretch": "specdet.data.transforms.spec:StretchSpec",
            "Flip": "specdet.data.transforms.spec:FlipSpec",
            "Photometric": "specdet.data.transforms.spec:PhotometricSpec",
            "ZoomOut": "specdet.data.transforms.spec:ZoomOutSpec",
            "IoUCrop": "specdet.data.transforms.spec:IoUCropSpec",
        },
        "optimizer": {
            "SGD": "specdet.optim.spec:SGDSpec",
            "Adam": "specdet.optim.spec:AdamSpec",
            "AdamW": "specdet.optim.spec:AdamWSpec",
            "RMSprop": "specdet.optim.spec:RMSpropSpec",
            "NAdam": "specdet.optim.spec:NAdamSpec",
            "RAdam": "specdet.optim.spec:RAdamSpec",
            "Adagrad": "specdet.optim.spec:AdagradSpec",
        },
        "schedule": {
            "Constant": "specdet.optim.spec:ConstantScheduleSpec",
            "Step": "specdet.optim.spec:StepScheduleSpec",
            "Cosine": "specdet.optim.spec:CosineScheduleSpec",
            "Poly": "specdet.optim.spec:PolyScheduleSpec",
        },
        "evaluator": {
            "ProposalRecall": "specdet.evaluation.spec:ProposalRecallSpec",
            "CocoBox": "specdet.evaluation.spec:CocoBoxSpec",
            "CocoMask": "specdet.evaluation.spec:CocoMaskSpec",
            "VocMAP": "specdet.evaluation.spec:VocMAPSpec",
            "ConfusionMatrix": "specdet.evaluation.spec:ConfusionMatrixSpec",
            "ErrorBreakdown": "specdet.evaluation.spec:ErrorBreakdownSpec",
        },
        "hook": {
            "Optimizer": "specdet.runner.spec:OptimizerHookSpec",
            "Checkpoint": "specdet.runner.spec:CheckpointHookSpec",
            "TextLog": "specdet.runner.spec:TextLogHookSpec",
            "Events": "specdet.runner.spec:EventsHookSpec",
            "TensorBoard": "specdet.runner.spec:TensorBoardHookSpec",
            "Evaluation": "specdet.runner.spec:EvaluationHookSpec",
            "Predictions": "specdet.runner.spec:PredictionsHookSpec",
            "EMA": "specdet.runner.spec:EMAHookSpec",
            "EarlyStopping": "specdet.runner.spec:EarlyStoppingHookSpec",
        },
    }
)


LONGEST_NAME = 64
NEAR = 0.72  # of 1: a letter or two that differ; below it, suggestions mislead
SHORT, NEAR_SHORT = 4, 0.6  # letters of a name of which two swapped ones are a larger part


class UnknownTag(ValueError):
    """A name that the registry does not hold; the message names the nearest one that it does."""


class Registry:
    """The components of one family, by tag.

    >>> Registry("backbone").get("ResNet").__name__
    'ResNetSpec'
    """

    def __init__(self, family: str, *, components: Components = COMPONENTS):
        if family not in components:
            raise UnknownTag(f"no family '{family}'{suggestion(family, components)}")
        self.family = family
        self._places = components[family]

    @property
    def tags(self) -> tuple[str, ...]:
        """All tags of the family, in the order of the table."""
        return tuple(self._places)

    def get(self, tag: str) -> type:
        """The spec class behind `tag`; imports its (torch-free) module. Raises UnknownTag."""
        if tag not in self._places:
            raise UnknownTag(f"no {self.family} is called '{tag}'{suggestion(tag, self._places)}")
        place = self._places[tag]
        return place if isinstance(place, type) else import_object(place)

    def tag_of(self, spec_class: type) -> str | None:
        """The tag that leads to `spec_class`, or None where the class was given from Python only."""
        place = f"{spec_class.__module__}:{spec_class.__qualname__}"
        tag = next((tag for tag, known in self._places.items() if known in (place, spec_class)), None)
        return tag or getattr(spec_class, "plugin_tag", "") or None


def import_object(place: str):
    """`"package.module:Name"` -> the object."""
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


def suggestion(name: str, known: Iterable[str]) -> str:
    """` (did you mean 'x'?)` for the nearest known name, else the list of them where it is short, else nothing."""
    from difflib import get_close_matches  # 5 ms, only spent on a mistake

    names = list(known)
    if len(name) > LONGEST_NAME:
        return ""  # no misspelling, and comparing it would take its time
    folded = {each.lower(): each for each in names}
    near = get_close_matches(name.lower(), folded, n=1, cutoff=NEAR if len(name) > SHORT else NEAR_SHORT)
    near = near or sorted((each for each in folded if len(each) > 2 and each in name.lower()), key=len)[-1:]
    if near:
        return f" (did you mean '{folded[near[0]]}'?)"
    return f" (known: {', '.join(sorted(names))})" if 0 < len(names) <= 12 else ""
