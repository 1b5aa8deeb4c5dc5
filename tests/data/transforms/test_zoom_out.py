import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from specdet.data.transforms.spec import ZoomOutSpec
from specdet.data.transforms.zoom_out import ZoomOut
from tests.data.conftest import make_sample

IMAGE = torch.randint(1, 200, (3, 20, 30), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def zoomed(seed: int, sample=None, **fields):
    zoom = ZoomOut(ZoomOutSpec(**fields))
    return zoom(sample or make_sample(IMAGE, [[3, 4, 20, 15]]), generator=torch.Generator().manual_seed(seed))


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), factor=st.floats(1, 6))
def test_the_image_lies_whole_on_a_canvas_where_its_boxes_say(seed, factor):
    done = zoomed(seed, probability=1.0, max_factor=factor, fill=(250.0, 251.0, 252.4))
    height, width = done.size
    assert 20 <= height <= 20 * factor and 30 <= width <= 30 * factor
    left, top = (int(each) for each in (done.boxes[0, :2] - torch.tensor([3, 4])).tolist())
    assert (done.boxes[0, 2:] - done.boxes[0, :2]).tolist() == [17, 11]
    assert torch.equal(done.image[:, top : top + 20, left : left + 30], IMAGE)
    around = torch.ones(height, width, dtype=torch.bool)
    around[top : top + 20, left : left + 30] = False
    colours = torch.tensor([[250], [251], [252]], dtype=torch.uint8)
    assert torch.equal(done.image[:, around], colours.expand(3, int(around.sum())))


def test_places_and_sizes_span_what_they_can():
    done = [zoomed(seed, probability=1.0) for seed in range(300)]
    factors = [each.size[1] / 30 for each in done]
    assert min(factors) < 1.2 and max(factors) > 3.8
    rights = [float(each.boxes[0, 0] - 3) / (each.size[1] - 30) for each in done if each.size[1] > 60]
    assert min(rights) < 0.1 and max(rights) > 0.9


def test_it_is_done_as_often_as_asked():
    done = sum(zoomed(seed, probability=0.25).size != (20, 30) for seed in range(800))
    assert done / 800 == pytest.approx(0.25, abs=0.05)
