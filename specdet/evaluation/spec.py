"""Specs of evaluators."""

from collections.abc import Iterable
from math import isclose
from typing import ClassVar, Literal

from specdet.spec import Problem, Spec, field, spec

COCO_AREAS = {"small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}
COCO_LIMITS = (1, 10)  # detections, besides the most that count: COCO looks at the recall of the first ones too
MISTAKES = ("classification", "localisation", "both", "duplicate", "background", "missed")


@spec
class CocoEvaluatorSpec(Spec):
    """What evaluators by COCO's rules share (Lin et al. 2014, arXiv:1405.0312)."""

    needs_masks: ClassVar[bool] = False

    iou_thresholds: tuple[float, ...] = field(
        (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95),
        gt=0,
        le=1,
        min_length=1,
        help="IoU from which an object counts as found; metrics are means over these.",
    )
    areas: dict[str, tuple[float, float]] = field(
        factory=lambda: dict(COCO_AREAS), unit="px^2", help="Smallest and largest area of each size class of objects."
    )

    def problems(self) -> Iterable[Problem]:
        if list(self.iou_thresholds) != sorted(set(self.iou_thresholds)):
            yield Problem(path="iou_thresholds", message=f"must ascend, got {list(self.iou_thresholds)}")
        for name, (least, most) in self.areas.items():
            if not 0 <= least < most:
                yield Problem(
                    path=f"areas.{name}", message=f"must be a range from 0 upwards, got {least:g} to {most:g}"
                )


@spec
class ProposalRecallSpec(CocoEvaluatorSpec):
    """Average recall of class-agnostic proposals (Hosang et al. 2015, arXiv:1502.05082), as COCO counts it."""

    builds: ClassVar[str] = "specdet.evaluation.proposal_recall:ProposalRecall"
    limits: tuple[int, ...] = field(
        (100, 300, 1000),
        ge=1,
        min_length=1,
        unit="proposals",
        help="How many proposals an image are looked at, best first.",
    )

    def problems(self) -> Iterable[Problem]:
        yield from super().problems()
        if list(self.limits) != sorted(set(self.limits)):
            yield Problem(path="limits", message=f"must ascend, got {list(self.limits)}")

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The metrics that it can give."""
        return tuple(
            f"AR@{limit}{area}" for limit in self.limits for area in ("", *(f"_{name}" for name in self.areas))
        )


@spec
class CocoPrecisionSpec(CocoEvaluatorSpec):
    """What average precision has, of boxes and of masks."""

    class_agnostic: bool = field(False, help="Forget the classes: only where things are counts.")
    max_detections: int = field(
        100, ge=1, unit="detections", help="How many detections an image (and class) count, best first."
    )
    per_class: bool = field(
        False, depends_on={"class_agnostic": (False,)}, help="Report AP, AP50, AP75 and AR of each class too."
    )

    def problems(self) -> Iterable[Problem]:
        yield from super().problems()
        if self.class_agnostic and self.per_class:
            yield Problem(path="per_class", message="there are no classes to report where class_agnostic forgets them")

    @property
    def limits(self) -> tuple[int, ...]:
        """How many detections of an image are looked at, for each average recall: COCO's 1 and 10, and the most."""
        return (*(limit for limit in COCO_LIMITS if limit < self.max_detections), self.max_detections)

    @property
    def percents(self) -> tuple[int, ...]:
        """The single IoU thresholds that have an AP of their own."""
        return tuple(
            percent for percent in (50, 75) if any(isclose(each, percent / 100) for each in self.iou_thresholds)
        )

    @property
    def class_metrics(self) -> tuple[str, ...]:
        """What is told of each class where `per_class` is set."""
        return ("AP", *(f"AP{percent}" for percent in self.percents), f"AR@{self.max_detections}")

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The metrics that it can give; "AP/*" stands for one of each class."""
        return (
            "AP",
            *(f"AP{percent}" for percent in self.percents),
            *(f"AP_{name}" for name in self.areas),
            *(f"AR@{limit}" for limit in self.limits),
            *(f"AR@{self.max_detections}_{name}" for name in self.areas),
            *(f"{name}/*" for name in self.class_metrics if self.per_class),
        )


@spec
class CocoBoxSpec(CocoPrecisionSpec):
    """Average precision of boxes, as COCO counts it."""

    builds: ClassVar[str] = "specdet.evaluation.coco_box:CocoBox"


@spec
class CocoMaskSpec(CocoPrecisionSpec):
    """Average precision of masks, as COCO counts it."""

    builds: ClassVar[str] = "specdet.evaluation.coco_mask:CocoMask"
    needs_masks: ClassVar[bool] = True


@spec
class VocMAPSpec(Spec):
    """Mean average precision by the rules of PASCAL VOC (Everingham et al. 2010): difficult objects do not count."""

    builds: ClassVar[str] = "specdet.evaluation.voc_map:VocMAP"
    compares_classes: ClassVar[bool] = True

    iou_threshold: float = field(0.5, gt=0, le=1, help="IoU from which an object counts as found.")
    curve: Literal["area", "11_points"] = field(
        "area", help="The area under the curve, as from VOC 2010 on, or the mean at 11 recalls, as in VOC 2007."
    )
    per_class: bool = field(False, help="Report the AP of each class too.")

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The metrics that it can give; "AP/*" stands for one of each class."""
        return ("mAP", *(["AP/*"] if self.per_class else []))


@spec
class ConfusionMatrixSpec(Spec):
    """Which classes are taken for which, and how good detections are at one score."""

    builds: ClassVar[str] = "specdet.evaluation.confusion_matrix:ConfusionMatrix"
    compares_classes: ClassVar[bool] = True

    score_threshold: float = field(0.3, ge=0, le=1, help="Detections with a lower score do not count.")
    iou_threshold: float = field(0.5, gt=0, le=1, help="IoU from which a detection belongs to an object.")

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The metrics that it can give."""
        return ("precision", "recall", "F1", "class_accuracy")


@spec
class ErrorBreakdownSpec(Spec):
    """What each kind of mistake costs in average precision, after TIDE (Bolya et al. 2020, arXiv:2008.08115)."""

    builds: ClassVar[str] = "specdet.evaluation.error_breakdown:ErrorBreakdown"
    compares_classes: ClassVar[bool] = True

    iou_threshold: float = field(0.5, gt=0, le=1, help="IoU from which an object counts as found.")
    background_iou: float = field(0.1, gt=0, lt=1, help="A detection that overlaps less is taken for background.")
    max_detections: int = field(100, ge=1, unit="detections", help="How many detections an image count, best first.")

    def problems(self) -> Iterable[Problem]:
        if self.background_iou >= self.iou_threshold:
            yield Problem(path="background_iou", message=f"must be below iou_threshold ({self.iou_threshold:g})")

    @property
    def metric(self) -> str:
        """The name of the average precision: AP50 for an IoU of 0.5."""
        return f"AP{100 * self.iou_threshold:g}"

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The metrics that it can give."""
        return (self.metric, *(f"d{self.metric}_{mistake}" for mistake in MISTAKES))
