"""Specs of detectors, and of the settings that they share."""

from collections.abc import Iterable
from typing import Any, ClassVar, Literal

import attrs

from specdet.spec import Problem, Spec, component, field, spec


@attrs.frozen(kw_only=True)
class Pyramid:
    """What is known of the levels of features before anything is built.

    Attributes:
        channels: Of each level; None where only the built modules know.
        strides: Of each level, px; likewise.
        problems: What keeps the pyramid from being made.
    """

    channels: tuple[int, ...] | None = None
    strides: tuple[int, ...] | None = None
    problems: tuple[Problem, ...] = ()


@spec
class PreprocessSpec(Spec):
    """How images are normalised before the backbone: (x - mean) / std; what lies outside an image is 0 after that."""

    mean: tuple[float, float, float] = field((123.675, 116.28, 103.53), help="Of each channel, of values 0 to 255.")
    std: tuple[float, float, float] = field((58.395, 57.12, 57.375), gt=0, help="Of each channel.")
    bgr: bool = field(False, help="Order channels as Caffe's weights expect, blue first; mean and std likewise.")


@spec
class DetectorSpec(Spec):
    """What all detectors have: images are normalised, go through a backbone, and are made a pyramid of features."""

    gives_classes: ClassVar[bool] = True
    gives_masks: ClassVar[bool] = False
    uses_proposals: ClassVar[bool] = False

    backbone: Spec = component("backbone", help="What makes features of an image.")
    neck: Spec | tuple[Spec, ...] | None = component("neck", default=None, help="What makes a pyramid of features.")
    preprocess: PreprocessSpec = field(factory=PreprocessSpec, help="How images are normalised.")

    @property
    def necks(self) -> tuple[Any, ...]:
        """The necks in the order in which they are applied."""
        return self.neck if isinstance(self.neck, tuple) else () if self.neck is None else (self.neck,)

    def pyramid(self) -> Pyramid:
        """The levels that the heads get, as far as that can be told before anything is built."""
        backbone: Any = self.backbone
        if not hasattr(backbone, "out_channels"):
            return Pyramid()  # a backbone that tells its levels only once it is built
        channels: tuple[int, ...] = backbone.out_channels
        strides: tuple[int, ...] = backbone.out_strides
        for index, neck in enumerate(self.necks):
            if not hasattr(neck, "problems_after"):
                return Pyramid()  # likewise a neck
            found: list[Problem] = [*neck.problems_after(channels)]
            if found:
                path = f"neck.{index}" if isinstance(self.neck, tuple) else "neck"
                return Pyramid(problems=tuple(problem.under(path) for problem in found))
            channels, strides = neck.channels_after(channels), neck.strides_after(strides)
        return Pyramid(channels=channels, strides=strides)


def shared_head_problems(pyramid: Pyramid, head: Any, *, path: str) -> Iterable[Problem]:
    """What is wrong with the pyramid, or keeps a head that all its levels share from serving them.

    Args:
        path: Where the head stands.
    """
    yield from pyramid.problems
    if pyramid.channels is None or pyramid.strides is None:
        return
    if len(set(pyramid.channels)) > 1:
        message = f"levels of {list(pyramid.channels)} channels cannot share a head: add a neck (FPN)"
        yield Problem(path="neck", message=message)
    anchors: Any = getattr(head, "anchors", None)
    for problem in anchors.problems_at(pyramid.strides) if hasattr(anchors, "problems_at") else ():
        yield problem.under(f"{path}.anchors")


def loss_normalizer_field(default: Literal["rank", "global"] = "rank") -> Any:
    """What the counts that losses are divided by are taken over."""
    return field(default, help="Whether each process divides by its own count or by the mean of all.")


@spec
class RPNTrainSpec(Spec):
    """How the targets and losses of region proposals are made."""

    assigner: Spec = component("assigner", default={"type": "MaxIoU"}, help="Which anchors are positive, and for what.")
    sampler: Spec = component("sampler", default={"type": "Random"}, help="Which anchors the losses are taken from.")
    allowed_border: int = field(
        -1, ge=-1, unit="px", help="Leave out anchors that reach further out of the image; -1 keeps them all."
    )
    exclude_padding: bool = field(
        True, help="Leave out anchors beyond the image's own multiple of size_divisor; torchvision keeps them."
    )
    average: Literal["at_least_one", "sampled", "quota"] = field(
        "at_least_one",
        help="What losses are divided by: sampled anchors with at least one positive and one negative an image "
        "(mmdetection), sampled anchors (torchvision), or train.sampler.num an image (detectron2).",
    )
    loss_normalizer: Literal["rank", "global"] = loss_normalizer_field()


@spec
class RPNTestSpec(Spec):
    """How proposals are made of the head's outputs."""

    nms_pre: int = field(1000, ge=1, unit="anchors", help="Best anchors of each level that go into suppression.")
    nms_post: int = field(1000, ge=1, unit="proposals", help="Proposals given for an image, at most.")
    nms_iou: float = field(0.7, ge=0, le=1, help="Overlap above which the worse of two boxes of a level goes.")
    min_size: float = field(0.0, ge=0, unit="px", help="Boxes whose width or height is less, or 0, go.")
    min_score: float = field(0.0, ge=0, le=1, help="Boxes that score less go.")


@spec
class DetectionTestSpec(Spec):
    """How detections are made of the outputs of a head that tells classes apart at every place."""

    nms_pre: int = field(1000, ge=1, unit="boxes", help="Best boxes of each level that go into suppression.")
    min_score: float = field(0.05, ge=0, le=1, help="Boxes that score less, or just as much, go.")
    nms_iou: float = field(0.5, ge=0, le=1, help="Overlap above which the worse of two boxes of a class goes.")
    max_detections: int = field(100, ge=1, unit="boxes", help="Detections given for an image, at most.")


@spec
class ClassDetectorSpec(DetectorSpec):
    """What detectors that tell classes apart have besides."""

    num_classes: int | None = field(
        None, ge=1, help="Classes told apart, without background; as many as the training set has unless given."
    )


@spec
class RPNSpec(DetectorSpec):
    """Region proposal network alone (Ren et al. 2015, arXiv:1506.01497): class-agnostic boxes with scores."""

    builds: ClassVar[str] = "specdet.models.detectors.rpn:RPN"
    gives_classes: ClassVar[bool] = False

    rpn_head: Spec = component("rpn_head", default={"type": "RPNHead"}, help="What makes proposals of the pyramid.")
    train: RPNTrainSpec = field(factory=RPNTrainSpec, help="How targets and losses are made.")
    test: RPNTestSpec = field(factory=RPNTestSpec, help="How proposals are made.")

    def problems(self) -> Iterable[Problem]:
        return shared_head_problems(self.pyramid(), self.rpn_head, path="rpn_head")
