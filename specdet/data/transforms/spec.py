"""Specs of the transforms: what is done to an image and its boxes before they are batched."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from specdet.spec import Problem, Spec, field, spec


@spec
class ResizeSpec(Spec):
    """Scale an image, keeping its ratio, until its short side or its long side has the size given."""

    builds: ClassVar[str] = "specdet.data.transforms.resize:Resize"
    short_side: tuple[int, ...] = field(
        (800,),
        gt=0,
        unit="px",
        reference=True,
        help="Length of the short side; of several, one is drawn for each image; empty: any.",
    )
    long_side: int | Literal["any"] = field(
        1333, gt=0, unit="px", reference=True, help="The long side is never longer than this."
    )
    pick: Literal["choice", "range"] = field(
        "choice", help="Draw one of the short sides, or any length from the first to the last of two."
    )
    rounding: Literal["nearest", "down"] = field(
        "nearest", help="How new sides become whole pixels: nearest (mmdetection, detectron2) or down (torchvision)."
    )
    antialias: bool = field(
        False, help="Filter when shrinking (detectron2); off in mmdetection and torchvision's detectors."
    )

    def problems(self) -> Iterator[Problem]:
        """Some side is given, and a range has two ends."""
        if not self.short_side and self.long_side == "any":
            yield Problem(path="short_side", message="give short_side, long_side or both")
        if self.pick == "range" and (len(self.short_side) != 2 or self.short_side[0] > self.short_side[-1]):
            yield Problem(path="short_side", message='pick = "range" needs two lengths, the smaller one first')


@spec
class StretchSpec(Spec):
    """Scale an image to a fixed size without keeping its ratio, as SSD does."""

    builds: ClassVar[str] = "specdet.data.transforms.stretch:Stretch"
    height: int = field(300, gt=0, unit="px", help="The new height.")
    width: int = field(300, gt=0, unit="px", help="The new width.")
    antialias: bool = field(False, help="Filter when shrinking; off in mmdetection and torchvision's detectors.")


@spec
class FlipSpec(Spec):
    """Mirror an image and its boxes, at random."""

    builds: ClassVar[str] = "specdet.data.transforms.flip:Flip"
    probability: float = field(0.5, ge=0.0, le=1.0, help="How often an image is mirrored.")
    direction: Literal["horizontal", "vertical"] = field("horizontal", help="Left to right, or top to bottom.")


@spec
class ZoomOutSpec(Spec):
    """Put an image somewhere on a larger canvas, at random, as in SSD (Liu et al. 2016, arXiv:1512.02325)."""

    builds: ClassVar[str] = "specdet.data.transforms.zoom_out:ZoomOut"
    probability: float = field(0.5, ge=0.0, le=1.0, help="How often.")
    max_factor: float = field(4.0, ge=1.0, le=16.0, help="Sides of the canvas are 1 to this times those of the image.")
    fill: tuple[float, float, float] = field(
        (123.675, 116.28, 103.53), ge=0.0, le=255.0, help="Red, green and blue around the image; ImageNet's mean."
    )


@spec
class IoUCropSpec(Spec):
    """Cut a part out that overlaps objects at least so much, at random, as in SSD (Liu et al. 2016, arXiv:1512.02325).

    An overlap is drawn for each image, where 0 and the whole image are among what is drawn; objects whose centre is cut
    off go.
    """

    builds: ClassVar[str] = "specdet.data.transforms.iou_crop:IoUCrop"
    overlaps: tuple[float, ...] = field(
        (0.1, 0.3, 0.5, 0.7, 0.9), gt=0.0, le=1.0, help="IoUs of the part and objects, of which one is drawn."
    )
    of: Literal["some", "all"] = field(
        "some", help="Some object overlaps so much (the paper, torchvision), or all do (mmdetection)."
    )
    min_scale: float = field(0.3, gt=0.0, le=1.0, help="Sides of the part are this to 1 times those of the image.")
    max_aspect: float = field(2.0, ge=1.0, help="The longer side of the part is at most so many times the shorter.")
    tries: int = field(50, ge=1, help="Parts tried for an overlap before another one is drawn.")


@spec
class PhotometricSpec(Spec):
    """Random brightness, contrast, saturation and hue, as in SSD (Liu et al. 2016, arXiv:1512.02325)."""

    builds: ClassVar[str] = "specdet.data.transforms.photometric:Photometric"
    probability: float = field(0.5, ge=0.0, le=1.0, help="How often each of the four is changed.")
    brightness: float = field(0.125, ge=0.0, le=1.0, help="The factor is drawn from 1 - x to 1 + x.")
    contrast: float = field(0.5, ge=0.0, le=1.0, help="The factor is drawn from 1 - x to 1 + x.")
    saturation: float = field(0.5, ge=0.0, le=1.0, help="The factor is drawn from 1 - x to 1 + x.")
    hue: float = field(0.05, ge=0.0, le=0.5, unit="turns", help="The shift is drawn from -x to x.")
