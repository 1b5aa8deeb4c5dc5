import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from specdet.data.polygon import SUBPIXELS, fill_convex


def test_a_rectangle_covers_the_pixels_whose_centres_it_holds():
    corners = np.array([(2, 3), (7, 3), (7, 5), (2, 5)]) * SUBPIXELS
    left, top, mask = fill_convex(corners)
    assert (left, top, mask.shape) == (2, 3, (2, 5))
    assert mask.all()


@pytest.mark.parametrize("order", [1, -1])
def test_both_directions_give_the_same_pixels(order):
    left, top, mask = fill_convex(np.array([(0, 0), (96, 0), (0, 64)])[::order])
    assert (left, top) == (0, 0)
    # x / 6 + y / 4 <= 1 at the centres of the pixels
    y, x = np.mgrid[: mask.shape[0], : mask.shape[1]] + 0.5
    assert (mask == (x / 6 + y / 4 <= 1)).all()


COORDINATE = st.integers(-200, 600)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(COORDINATE, COORDINATE), min_size=3, max_size=3))
def test_triangles_agree_with_barycentric_coordinates(points):
    (ax, ay), (bx, by), (cx, cy) = points
    twice_area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
    assume(abs(twice_area) > 40 * SUBPIXELS**2)
    left, top, mask = fill_convex(np.array(points))
    y, x = np.mgrid[-20:60, -20:60]
    x, y = x * SUBPIXELS + SUBPIXELS // 2, y * SUBPIXELS + SUBPIXELS // 2
    # Three signed areas, each of the sign of the whole, as exact integers.
    parts = [
        ((px - x) * (qy - y) - (qx - x) * (py - y)) * np.sign(twice_area) >= 0
        for (px, py), (qx, qy) in zip(points, points[1:] + points[:1], strict=True)
    ]
    inside = parts[0] & parts[1] & parts[2]
    rows, columns = np.nonzero(inside)
    assert (left, top) == (columns.min() - 20, rows.min() - 20)
    tight = inside[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    assert np.array_equal(mask, tight)
