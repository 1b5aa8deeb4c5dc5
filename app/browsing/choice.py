"""Choice: which images of a set are looked at."""

import os
from typing import Literal, get_args

import attrs
import numpy as np
from numpy.typing import NDArray

from app.browsing.columns import Columns

HowMany = Literal["", "none", "one", "few", "many"]
Extent = Literal["", "small", "medium", "large"]
HOW_MANY: dict[HowMany, tuple[int, int | None]] = {"none": (0, 0), "one": (1, 1), "few": (2, 9), "many": (10, None)}
# COCO's areas in px (https://cocodataset.org/#detection-eval); evaluation counts by them as well.
AREAS: dict[Extent, tuple[float, float]] = {
    "small": (0.0, 32.0**2),
    "medium": (32.0**2, 96.0**2),
    "large": (96.0**2, np.inf),
}
HOW_MANY_WORDS: dict[str, str] = {
    "": "Any number of boxes", "none": "No box", "one": "One box", "few": "2 to 9 boxes", "many": "10 boxes or more",
}  # fmt: skip
EXTENT_WORDS: dict[str, str] = {
    "": "Boxes of any size",
    "small": "With small boxes (area below 32² px)",
    "medium": "With medium boxes (32² to 96² px)",
    "large": "With large boxes (from 96² px)",
}
assert tuple(HOW_MANY_WORDS) == get_args(HowMany) and tuple(EXTENT_WORDS) == get_args(Extent)


@attrs.frozen(kw_only=True)
class Choice:
    """What images must have.

    Attributes:
        label: A box of this class; any for None.
        boxes: So many boxes that are no crowds, of that class where one is given.
        extent: A box of this size, of that class where one is given.
        find: A part of the file's name, the set's own number of the image, or "#5" for its place from 0.
    """

    label: int | None = None
    boxes: HowMany = ""
    extent: Extent = ""
    find: str = ""


def chosen(columns: Columns, choice: Choice) -> np.ndarray:
    """(k,) int64: the places of the images that have all of it, rising."""
    keep = np.ones(len(columns), dtype=np.bool_)
    ours = ~columns.crowd if choice.label is None else ~columns.crowd & (columns.labels == choice.label)
    if choice.label is not None and choice.boxes != "none":
        keep &= _with(columns, columns.labels == choice.label)
    if choice.boxes:
        least, most = HOW_MANY[choice.boxes]
        counts = np.bincount(columns.image_of[ours], minlength=len(columns))
        keep &= (counts >= least) & (counts <= (np.inf if most is None else most))
    if choice.extent:
        low, high = AREAS[choice.extent]
        keep &= _with(columns, ours & (columns.area >= low) & (columns.area < high))
    if choice.find.strip():
        keep &= found(columns, choice.find.strip())
    return np.flatnonzero(keep)


def found(columns: Columns, text: str) -> np.ndarray:
    """(n,) bool: the images that `find` means."""
    digits = text.removeprefix("#")
    number = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 19 else None
    if text.startswith("#") and number is not None:
        return np.arange(len(columns)) == number
    part: NDArray[np.bytes_] = np.array(os.fsencode(text.lower()), dtype=np.bytes_)
    names: NDArray[np.bytes_] = columns.names
    named = np.char.find(np.char.lower(names), part) >= 0
    return named if number is None else named | (columns.ids == number)


def _with(columns: Columns, rows: np.ndarray) -> np.ndarray:
    """(n,) bool: the images with one of these boxes."""
    return np.bincount(columns.image_of[rows], minlength=len(columns)) > 0
