"""Filling of convex polygons, exactly: integers only."""

import numpy as np

SUBPIXELS = 16  # corners are given in this part of a pixel


def fill_convex(corners: np.ndarray) -> tuple[int, int, np.ndarray]:
    """The pixels whose centres lie inside a convex polygon or on its edge.

    Args:
        corners: (V, 2) int64 x, y in 1/SUBPIXELS px, in order around the polygon, either way.

    Returns:
        Left column and top row, px, and the (h, w) bool mask from there on; no border row or column of it is empty.
    """
    x, y = corners[:, 0], corners[:, 1]
    next_x, next_y = np.roll(x, -1), np.roll(y, -1)
    if (x * next_y - next_x * y).sum() < 0:
        return fill_convex(corners[::-1])
    rows = np.arange(y.min() // SUBPIXELS, y.max() // SUBPIXELS + 1)
    # Inside an edge: slope * column + rest >= 0, both as integers, at the centre of each row.
    slope = -(next_y - y) * SUBPIXELS
    centre = SUBPIXELS // 2
    rest = (next_x - x)[:, None] * (SUBPIXELS * rows + centre - y[:, None]) - ((next_y - y) * (centre - x))[:, None]
    rising, falling, flat = slope > 0, slope < 0, slope == 0
    first = (-(rest[rising] // slope[rising, None])).max(axis=0)  # column >= -rest / slope, rounded up
    last = (rest[falling] // -slope[falling, None]).min(axis=0)
    filled = (first <= last) & (rest[flat] >= 0).all(axis=0)
    assert filled.any(), "a polygon that covers no pixel centre"
    left, right = int(first[filled].min()), int(last[filled].max())
    columns = np.arange(left, right + 1)
    mask = (columns >= first[:, None]) & (columns <= last[:, None]) & filled[:, None]
    covered = np.flatnonzero(filled)  # a sliver may pass between the centres of a row in its middle
    return left, int(rows[covered[0]]), mask[covered[0] : covered[-1] + 1]
