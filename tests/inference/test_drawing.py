"""Pictures are as large as they must be to be read, and show what is there where it is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specdet.inference.drawing import Drawn, class_colour, draw

GREY = 90


def blank(height, width):
    return np.full((height, width, 3), GREY, np.uint8)


def test_a_box_is_drawn_at_its_edges_inside():
    picture = np.asarray(draw(blank(600, 600), [Drawn(box=(100, 200, 300, 400), label=2)]))
    changed = np.argwhere((picture != GREY).any(axis=2))
    assert changed.min(axis=0).tolist() == [200, 100]
    assert changed.max(axis=0).tolist() == [399, 299]  # half-open: the box ends before 400 and 300
    assert tuple(picture[200, 150]) == class_colour(2)
    assert tuple(picture[300, 200]) == (GREY,) * 3  # the inside is left free


def test_small_pictures_are_enlarged_by_whole_pixels():
    pixels = np.random.default_rng(0).integers(0, 256, (100, 60, 3), dtype=np.uint8)
    picture = np.asarray(draw(pixels, []))
    assert picture.shape == (600, 360, 3)
    assert np.array_equal(picture[::6, ::6], pixels)
    assert draw(blank(512, 40), []).size == (40, 512)
    assert draw(blank(2, 1), []).size == (16, 32)


@pytest.mark.parametrize(("height", "width"), [(128, 128), (1000, 1500), (3000, 4000)])
def test_text_is_as_large_as_the_picture_wants(height, width):
    with_text = np.asarray(draw(blank(height, width), [Drawn(box=(0, height / 2, 1, height / 2 + 1), text="XXXX")]))
    rows = np.flatnonzero((with_text != GREY).any(axis=(1, 2)))
    assert 1 / 60 < len(rows) / max(with_text.shape) < 1 / 20


def test_a_mask_shades_its_pixels_and_no_others():
    mask = np.zeros((600, 600), bool)
    mask[10:20, 30:50] = True
    picture = np.asarray(draw(blank(600, 600), [Drawn(box=(0, 0, 600, 600), label=1, mask=mask)])).astype(int)
    shaded = (picture != GREY).any(axis=2)
    assert shaded[10:20, 30:50].all()
    assert not shaded[25:500, 25:500].any()
    expected = GREY + 0.45 * (np.array(class_colour(1)) - GREY)
    assert np.abs(picture[15, 40] - expected).max() <= 1


def test_crowds_are_dashed():
    picture = np.asarray(draw(blank(600, 600), [Drawn(box=(100, 100, 500, 500), crowd=True)]))
    edge = (picture[100, 100:500] == 255).all(axis=1)
    assert 0.3 < edge.mean() < 0.7


def test_the_first_thing_lies_on_top():
    picture = np.asarray(draw(blank(600, 600), [Drawn(box=(10, 10, 90, 90), label=each) for each in (3, 1)]))
    assert tuple(picture[10, 50]) == class_colour(3)


def test_texts_do_not_lie_on_each_other_where_there_is_room():
    same = [Drawn(box=(300, 300, 420, 420), text="a name", label=label) for label in range(4)]
    picture = np.asarray(draw(blank(800, 800), same)).reshape(-1, 3)
    areas = [int((picture == class_colour(label)).all(axis=1).sum()) for label in range(4)]
    assert min(areas[1:]) > 0.8 * sorted(areas)[1]


def test_neighbouring_classes_look_different():
    colours = np.array([class_colour(label) for label in range(20)], int)
    between = np.abs(colours[1:] - colours[:-1]).sum(axis=1)
    assert between.min() > 100
    assert len({tuple(colour) for colour in colours.tolist()}) == 20


@settings(max_examples=25, deadline=None)
@given(
    size=st.tuples(st.integers(1, 40), st.integers(1, 900)),
    corners=st.tuples(*[st.floats(-50, 1000)] * 4),
    text=st.text(max_size=12),
)
def test_nothing_that_is_drawn_breaks(size, corners, text):
    x = sorted((corners[0], corners[2]))
    y = sorted((corners[1], corners[3]))
    picture = draw(blank(*size), [Drawn(box=(x[0], y[0], x[1], y[1]), text=text, label=7, crowd=bool(len(text) % 2))])
    height, width = size
    assert picture.width % width == 0 and picture.width * height == picture.height * width  # enlarged, never distorted
