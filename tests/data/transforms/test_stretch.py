import pytest
import torch
from torchvision.models.detection.transform import GeneralizedRCNNTransform

from specdet.data.transforms.spec import StretchSpec
from specdet.data.transforms.stretch import Stretch
from specdet.spec import SpecError
from tests.data.conftest import make_sample


def stretched(sample, **fields):
    return Stretch(StretchSpec(**fields))(sample, generator=torch.Generator())


@pytest.mark.parametrize("size", [(40, 90), (70, 70), (130, 50)])
def test_images_and_boxes_are_those_of_torchvisions_fixed_size(size):
    image = torch.randint(0, 256, (3, *size), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    boxes = [[3.0, 5, 30, 33], [0, 0, size[1], size[0]]]
    theirs = GeneralizedRCNNTransform(60, 80, [0.0] * 3, [1.0] * 3, size_divisible=1, fixed_size=(80, 60))
    expected, targets = theirs.resize(image.float(), {"boxes": torch.tensor(boxes)})
    done = stretched(make_sample(image, boxes), height=60, width=80)
    assert done.size == (60, 80) == expected.shape[-2:]
    assert done.original_size == size
    assert (done.image.float() - expected).abs().max() <= 1.001  # bytes, rounded after each of the two axes
    torch.testing.assert_close(done.boxes.as_subclass(torch.Tensor), targets["boxes"])


def test_what_has_the_size_stays_as_it_is():
    sample = make_sample(torch.zeros(3, 30, 20, dtype=torch.uint8), [])
    assert stretched(sample, height=30, width=20) is sample


def test_sides_are_positive():
    with pytest.raises(SpecError, match="height: must be above 0"):
        StretchSpec(height=0)
