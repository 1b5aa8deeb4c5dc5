"""Scene: an image with boxes on it, as pages look at it."""

from typing import Literal

import attrs

BoxKind = Literal["object", "crowd", "detection"]
# What COCO's matching says of a detection. After "right" and "ignored" come kinds of false positives: see `matching`.
Verdict = Literal["right", "ignored", "duplicate", "class", "place", "class and place", "background"]
IOU_THRESHOLDS = tuple(percent / 100 for percent in range(50, 100, 5))  # those of COCO's AP


@attrs.frozen(kw_only=True)
class Box:
    """A rectangle, with what it stands for.

    Attributes:
        x1, y1, x2, y2: In pixels of the original image, half-open: pixel 0 is from 0 to 1.
        label: The name of the class; empty where the detector tells no classes apart.
        kind: An object of the ground truth, a crowd of them that is not counted, or what a detector found.
        score: Of a detection.
        verdicts: Of a detection, at each of IOU_THRESHOLDS; empty where nothing was compared.
        found: Of an object, at each of IOU_THRESHOLDS: the score of the detection that found it, None where none did.
            At a score threshold above that it is missed. Empty where nothing was compared.
        iou: Of a detection: with the object that it overlaps most, of its class if classes matter.
    """

    x1: float
    y1: float
    x2: float
    y2: float
    label: str
    kind: BoxKind = "object"
    score: float | None = None
    verdicts: tuple[Verdict, ...] = ()
    found: tuple[float | None, ...] = ()
    iou: float | None = None


@attrs.frozen(kw_only=True)
class Scene:
    """An image with its boxes.

    Attributes:
        image: A JPEG or PNG file of any size; empty where there is none, and only the boxes are shown.
        width, height: Of the original, in pixels: what the boxes are in.
        title: What stands below it: a file name, or the name of a run. Shown as it is.
        key: Tells it from the others of the page, such as an image id; `title` unless given.
        note: A second, smaller line.
    """

    image: bytes
    width: int
    height: int
    boxes: tuple[Box, ...] = ()
    title: str = ""
    key: str = attrs.field(default=attrs.Factory(lambda self: self.title, takes_self=True))
    note: str = ""


def media_type(image: bytes) -> str | None:
    """What an image is by its first bytes: image/jpeg, image/png, or None for whatever else, which no page shows."""
    if image.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    return "image/png" if image.startswith(b"\x89PNG\r\n\x1a\n") else None
