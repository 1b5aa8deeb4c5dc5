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
class FlipSpec(Spec):
    """Mirror an image and its boxes, at random."""

    builds: ClassVar[str] = "specdet.data.transforms.flip:Flip"
    probability: float = field(0.5, ge=0.0, le=1.0, help="How often an image is mirrored.")
    direction: Literal["horizontal", "vertical"] = field("horizontal", help="Left to right, or top to bottom.")


@spec
class PhotometricSpec(Spec):
    """Random brightness, contrast, saturation and hue, as in SSD (Liu et al. 2016, arXiv:1512.02325)."""

    builds: ClassVar[str] = "specdet.data.transforms.photometric:Photometric"
    probability: float = field(0.5, ge=0.0, le=1.0, help="How often each of the four is changed.")
    brightness: float = field(0.125, ge=0.0, le=1.0, help="The factor is drawn from 1 - x to 1 + x.")
    contrast: float = field(0.5, ge=0.0, le=1.0, help="The factor is drawn from 1 - x to 1 + x.")
    saturation: float = field(0.5, ge=0.0, le=1.0, help="The factor is drawn from 1 - x to 1 + x.")
    hue: float = field(0.05, ge=0.0, le=0.5, unit="turns", help="The shift is drawn from -x to x.")
