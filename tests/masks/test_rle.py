import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from specdet.masks import rle

# pycocotools has not yet followed numpy 2's protocol
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SIDE = st.integers(1, 12)


def drawn(seed: int, count: int, height: int, width: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.random((count, height, width)) < random.random((count, 1, 1))


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 99), count=st.integers(0, 3), height=SIDE, width=SIDE)
def test_masks_come_back_and_are_encoded_as_pycocotools_does(seed, count, height, width):
    masks = drawn(seed, count, height, width)
    encoded = rle.encode(masks)
    assert np.array_equal(rle.decode(encoded, height=height, width=width), masks)
    assert encoded == rle.encode(masks.astype(np.uint8))
    assert rle.areas(encoded, height=height, width=width).tolist() == masks.sum(axis=(1, 2)).tolist()
    for mask, text in zip(masks, encoded, strict=True):
        assert text == coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"]
        lengths = rle.run_lengths(text, height=height, width=width)
        assert rle.from_run_lengths(lengths.tolist(), height=height, width=width) == text


@settings(max_examples=60, deadline=None)
@given(
    outlines=st.lists(st.lists(st.tuples(*[st.floats(-20, 60)] * 2), min_size=3, max_size=7), min_size=1, max_size=3)
)
def test_polygons_are_filled_as_pycocotools_fills_them(outlines):
    flat = [[number for corner in outline for number in corner] for outline in outlines]
    expected = coco_mask.merge(coco_mask.frPyObjects(flat, 30, 40))["counts"]
    assert rle.from_polygons(flat, height=30, width=40) == expected


def test_an_unknown_mask_has_no_pixel_and_a_mask_may_have_none_either():
    empty = rle.encode(np.zeros((1, 3, 4)))
    assert empty != (rle.UNKNOWN,)
    assert not rle.decode([rle.UNKNOWN, *empty], height=3, width=4).any()
    assert rle.areas([rle.UNKNOWN, *empty], height=3, width=4).tolist() == [0, 0]


@pytest.mark.parametrize("text", [b"22", b"_o0_o0", b"oooo", b"o" * 100, b"\x01\x02~~", b"OOOO", b"\xff", b"0"])
def test_text_that_is_no_mask_of_this_size_is_refused(text):
    with pytest.raises(ValueError, match="run lengths"):
        rle.run_lengths(text, height=4, width=4)


@settings(max_examples=200, deadline=None)
@given(text=st.binary(min_size=1, max_size=30))
def test_any_bytes_are_read_or_refused(text):
    try:
        decoded = rle.decode([text], height=4, width=5)
    except ValueError:
        return
    assert decoded.shape == (1, 4, 5)
    assert decoded.max() <= 1
