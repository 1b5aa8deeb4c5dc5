import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.models.detection.transform import GeneralizedRCNNTransform

from specdet.data.transforms.resize import Resize
from specdet.data.transforms.spec import ResizeSpec
from specdet.spec import SpecError
from tests.data.conftest import make_sample

SIDE = st.integers(20, 120)


def resize(**fields) -> Resize:
    return Resize(ResizeSpec(**fields))


@pytest.mark.parametrize(
    ("size", "expected"),
    # int(x * min(1333 / long, 800 / short) + 0.5), by hand
    [((480, 640), (800, 1067)), ((640, 480), (1067, 800)), ((427, 640), (800, 1199)), ((300, 1000), (400, 1333))],
)
def test_default_sizes_are_those_of_mmdetection(size, expected):
    assert resize().new_size(*size, short=800) == expected


@settings(max_examples=60, deadline=None)
@given(height=SIDE, width=SIDE, short=st.integers(30, 90), extra=st.integers(0, 60))
def test_rounding_down_gives_the_sizes_of_torchvision(height, width, short, extra):
    theirs = GeneralizedRCNNTransform(short, short + extra, [0.0] * 3, [1.0] * 3)
    resized, _ = theirs.resize(torch.zeros(3, height, width), None)
    ours = resize(short_side=(short,), long_side=short + extra, rounding="down")
    assert ours.new_size(height, width, short=short) == tuple(resized.shape[1:])


@settings(max_examples=60, deadline=None)
@given(
    size=st.tuples(SIDE, SIDE),
    corners=st.tuples(*[st.floats(0, 1)] * 4),
    short=st.integers(40, 160),
    antialias=st.booleans(),
)
def test_boxes_stay_over_their_pixels(size, corners, short, antialias):
    height, width = size
    x = sorted(int(part * (width - 12)) for part in corners[:2])
    y = sorted(int(part * (height - 12)) for part in corners[2:])
    box = [x[0], y[0], x[1] + 12, y[1] + 12]
    image = torch.zeros(3, height, width, dtype=torch.uint8)
    image[:, box[1] : box[3], box[0] : box[2]] = 255
    done = resize(short_side=(short,), long_side="any", antialias=antialias)(
        make_sample(image, [box]), generator=torch.Generator()
    )
    rows, columns = np.nonzero(done.image[0].numpy() >= 128)
    found = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
    assert min(done.size) == short
    assert done.boxes.canvas_size == done.size
    # Half a pixel at each edge by rounding, and shrinking without a filter may skip one more.
    assert np.abs(found - done.boxes.numpy()[0]).max() <= 1.5


def test_of_several_lengths_each_is_drawn():
    image = make_sample(torch.zeros(3, 40, 60, dtype=torch.uint8), [])
    generator = torch.Generator().manual_seed(0)
    choice = resize(short_side=(20, 30, 50), long_side="any")
    assert {min(choice(image, generator=generator).size) for _ in range(60)} == {20, 30, 50}
    between = resize(short_side=(20, 23), long_side="any", pick="range")
    assert {min(between(image, generator=generator).size) for _ in range(60)} == {20, 21, 22, 23}


def test_the_long_side_alone_may_be_given():
    sample = make_sample(torch.zeros(3, 40, 60, dtype=torch.uint8), [[0, 0, 60, 40]])
    done = resize(short_side=(), long_side=90)(sample, generator=torch.Generator())
    assert done.size == (60, 90)
    assert done.boxes.tolist() == [[0, 0, 90, 60]]


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"short_side": (), "long_side": "any"}, "short_side"),
        ({"short_side": (9,), "pick": "range"}, "short_side"),
        ({"short_side": (0,)}, "short_side.0"),
    ],
)
def test_lengths_that_make_no_sense_are_problems(fields, path):
    with pytest.raises(SpecError) as caught:
        ResizeSpec(**fields)
    assert [problem.path for problem in caught.value.problems] == [path]
