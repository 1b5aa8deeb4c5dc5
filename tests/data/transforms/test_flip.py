import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from specdet.data.transforms.flip import Flip
from specdet.data.transforms.spec import FlipSpec
from tests.data.conftest import make_sample


@settings(max_examples=40, deadline=None)
@given(
    size=st.tuples(st.integers(1, 30), st.integers(1, 30)),
    boxes=st.lists(st.tuples(*[st.integers(0, 30)] * 4), max_size=4),
    direction=st.sampled_from(["horizontal", "vertical"]),
)
def test_twice_is_once_more_the_same(size, boxes, direction):
    flip = Flip(FlipSpec(probability=1.0, direction=direction))
    image = torch.randint(0, 256, (3, *size), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    sample = make_sample(image, [list(box) for box in boxes])
    once = flip(sample, generator=torch.Generator())
    twice = flip(once, generator=torch.Generator())
    assert torch.equal(once.image, image.flip(2 if direction == "horizontal" else 1))
    assert torch.equal(twice.image, sample.image)
    assert torch.equal(twice.boxes, sample.boxes)


@pytest.mark.parametrize(("direction", "expected"), [("horizontal", [50, 5, 58, 20]), ("vertical", [2, 20, 10, 35])])
def test_a_box_goes_to_the_other_side(direction, expected):
    sample = make_sample(torch.zeros(3, 40, 60, dtype=torch.uint8), [[2, 5, 10, 20]])
    done = Flip(FlipSpec(probability=1.0, direction=direction))(sample, generator=torch.Generator())
    assert done.boxes.tolist() == [expected]


def test_it_is_done_as_often_as_asked():
    sample = make_sample(torch.arange(3, dtype=torch.uint8).expand(3, 1, 3), [])
    generator = torch.Generator().manual_seed(0)
    flip = Flip(FlipSpec(probability=0.25))
    done = sum(int(flip(sample, generator=generator).image[0, 0, 0]) == 2 for _ in range(800))
    assert done / 800 == pytest.approx(0.25, abs=0.05)
