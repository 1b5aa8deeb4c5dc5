"""The `segmentation` of COCO's annotations: polygons or run lengths in, encoded masks out."""

import reprlib
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from math import isfinite
from typing import Any

import numpy as np

from specdet.data.findings import Findings
from specdet.masks import rle

FORMS = "segmentations that are neither lists [[x0, y0, x1, y1, ...]] nor run lengths with size and counts"
FAR = "segmentations with a number that is not finite, or farther from their image than that is long"
SIZE = "run lengths of another size (height x width) than their image"
RUNS = "run lengths that are not those of a mask"
SHORT = "outlines without three corners of two numbers each, left out"
NONE = "objects without a segmentation: their boxes are learned, but no masks, and no detection of them is counted"


def encoded_masks(
    segmentations: Sequence[Any],
    *,
    sizes: np.ndarray,
    describe: Callable[[int], str],
    findings: Findings,
    path: str,
) -> list[bytes]:
    """The mask of each object, `rle.UNKNOWN` where there is none; what is wrong with them is written down.

    Polygons are filled here, in about 50 microseconds each, so that a mask has one form from here on: some 250 bytes.

    Args:
        segmentations: As written; None where there is none.
        sizes: (T, 2) height and width of each object's image, px.
        describe: Row -> which annotation of which image that is.
        path: The field of the spec that leads to the annotations.
    """
    masks = []
    for row, (written, (height, width)) in enumerate(zip(segmentations, sizes.tolist(), strict=True)):
        mask = rle.UNKNOWN
        try:
            if isinstance(written, dict):
                mask = _of_run_lengths(written, height=height, width=width)
            elif written:
                outlines = _outlines(written, reach=max(height, width))
                if len(outlines) < len(written):
                    findings.remark(SHORT, describe(row))
                if outlines:
                    mask = rle.from_polygons(outlines, height=height, width=width)
            if mask == rle.UNKNOWN:
                findings.remark(NONE, describe(row))
        except _Wrong as error:
            findings.wrong(error.what, f"{describe(row)}{error.detail}", path=path)
        masks.append(mask)
    if masks and all(mask == rle.UNKNOWN for mask in masks) and not findings.any_wrong:
        findings.wrong("no object has a segmentation, and the detector needs masks", path=path)
    return masks


class _Wrong(Exception):
    """A segmentation that cannot be used."""

    def __init__(self, what: str, detail: str = ""):
        super().__init__(what)
        self.what, self.detail = what, f": {detail}" if detail else ""


def _outlines(written: Any, *, reach: int) -> list[list[float]]:
    """Those with three corners. A corner far away would overflow, or take hours to draw."""
    if not isinstance(written, list) or not all(isinstance(outline, list) for outline in written):
        raise _Wrong(FORMS)
    numbers = [*chain.from_iterable(written)]
    if not set(map(type, numbers)) <= {int, float}:
        raise _Wrong(FORMS)
    if not -reach <= min(numbers, default=0) <= max(numbers, default=0) <= 2 * reach or not isfinite(sum(numbers)):
        raise _Wrong(FAR)
    return [outline for outline in written if len(outline) >= 6 and len(outline) % 2 == 0]


def _of_run_lengths(written: dict[str, Any], *, height: int, width: int) -> bytes:
    size, counts = written.get("size"), written.get("counts")
    if not isinstance(size, list) or not isinstance(counts, list | str):
        raise _Wrong(FORMS)
    if size != [height, width]:
        raise _Wrong(SIZE, f"{_short(size)} in {height} x {width}")
    if isinstance(counts, list):
        if not all(type(count) is int and count >= 0 for count in counts):
            raise _Wrong(RUNS, "a length that is no whole number from 0 on")
        if sum(counts) != height * width:
            raise _Wrong(RUNS, f"they are of {sum(counts)} pixels, and the image has {height * width}")
        return rle.from_run_lengths(counts, height=height, width=width)
    try:
        text = counts.encode("ascii")
        rle.run_lengths(text, height=height, width=width)
    except ValueError as error:  # UnicodeEncodeError is one
        detail = "letters that are none of them" if isinstance(error, UnicodeError) else str(error)
        raise _Wrong(RUNS, detail) from error
    return text


def _short(values: Iterable[Any]) -> str:
    return " x ".join(reprlib.repr(value)[:12] for value in values)[:40]
