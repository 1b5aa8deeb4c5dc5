"""Specs of evaluators."""

from collections.abc import Iterable
from math import isclose
from typing import ClassVar

from specdet.spec import Problem, Spec, field, spec

COCO_AREAS = {"small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}


@spec
class CocoEvaluatorSpec(Spec):
    """What evaluators by COCO's rules share (Lin et al. 2014, arXiv:1405.0312)."""

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
class CocoBoxSpec(CocoEvaluatorSpec):
    """Average precision of boxes, as COCO counts it."""

    builds: ClassVar[str] = "specdet.evaluation.coco_box:CocoBox"
    class_agnostic: bool = field(False, help="Forget the classes: only where things are counts.")
    max_detections: int = field(
        100, ge=1, unit="detections", help="How many detections an image (and class) count, best first."
    )
    per_class: bool = field(False, depends_on={"class_agnostic": (False,)}, help="Report the AP of each class too.")

    def problems(self) -> Iterable[Problem]:
        yield from super().problems()
        if self.class_agnostic and self.per_class:
            yield Problem(path="per_class", message="there are no classes to report where class_agnostic forgets them")

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The metrics that it can give; "AP/*" stands for one of each class."""
        at = [
            f"AP{percent}" for percent in (50, 75) if any(isclose(each, percent / 100) for each in self.iou_thresholds)
        ]
        areas = [f"AP_{name}" for name in self.areas]
        return ("AP", *at, *areas, f"AR@{self.max_detections}", *(["AP/*"] if self.per_class else []))
