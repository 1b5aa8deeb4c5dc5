"""Are the boxes of an annotation file boxes in their images?"""

from collections.abc import Callable

import numpy as np

from specdet.data.findings import Findings

SLACK = 1.0  # px that a box may reach past the border without a remark: rounding, and 0-based VOC files
FARTHEST = 1e9  # px from the origin; more is no coordinate, and would overflow
INSIDE_LEAST = 0.5  # of its area; less, and the coordinates mean something else


def checked_boxes(
    boxes: np.ndarray, *, sizes: np.ndarray, describe: Callable[[int], str], findings: Findings, path: str
) -> tuple[np.ndarray, np.ndarray]:
    """Write down what is wrong with boxes, and say which can be used.

    Args:
        boxes: (T, 4) float64 xyxy, px.
        sizes: (T, 2) height and width of each box's image, px.
        describe: Row -> which annotation of which image that is.
        path: The field of the spec that leads to the annotations.

    Returns:
        (T, 4) boxes cut at the borders of their images, and (T,) bool: neither empty nor a problem.
    """
    finite = np.isfinite(boxes).all(axis=1) & (np.abs(boxes).max(axis=1) <= FARTHEST)
    boxes, written = np.where(finite[:, None], boxes, 0.0), boxes
    height, width = sizes[:, :1], sizes[:, 1:]
    limits = np.concatenate([width, height, width, height], axis=1)
    clipped = boxes.clip(0, limits)
    extent, left = boxes[:, 2:] - boxes[:, :2], clipped[:, 2:] - clipped[:, :2]
    inverted = finite & (extent < 0).any(axis=1)
    empty = finite & ~inverted & (extent == 0).any(axis=1)
    proper = finite & ~inverted & ~empty
    outside = proper & (left.prod(axis=1) < INSIDE_LEAST * extent.prod(axis=1))
    beyond = np.maximum(-boxes, boxes - limits).max(axis=1)
    over = proper & ~outside & (beyond > SLACK)

    def told(row: int) -> str:
        numbers = ", ".join(f"{number:g}" for number in written[row])
        return f"{describe(row)}: {numbers} in {sizes[row, 1]} x {sizes[row, 0]}"

    for what, rows in (
        ("boxes with a number that is not finite, or above 1e9", ~finite),
        ("boxes whose right or bottom edge lies before the left or top one (x0, y0, x1, y1)", inverted),
        ("boxes that lie mostly outside their image (x0, y0, x1, y1 in width x height)", outside),
    ):
        for row in np.flatnonzero(rows).tolist():
            findings.wrong(what, told(row), path=path)
    for row in np.flatnonzero(empty).tolist():
        findings.remark("boxes without an extent, left out", told(row))
    for row in np.flatnonzero(over).tolist():
        findings.remark("boxes that reach past the border of their image, cut there", told(row))
    return clipped, proper & ~outside
