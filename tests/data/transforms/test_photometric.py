import pytest
import torch
from torchvision.transforms.v2 import functional as F

from specdet.data.transforms.photometric import Photometric
from specdet.data.transforms.spec import PhotometricSpec
from tests.data.conftest import make_sample

IMAGE = torch.randint(0, 256, (3, 12, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
NOTHING = {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "hue": 0.0}


def change(seed: int = 0, **fields) -> torch.Tensor:
    done = Photometric(PhotometricSpec(**fields))(
        make_sample(IMAGE, [[1, 1, 5, 5]]), generator=torch.Generator().manual_seed(seed)
    )
    assert done.boxes.tolist() == [[1, 1, 5, 5]]
    assert done.image.dtype == torch.uint8
    return done.image


def test_with_probability_zero_nothing_changes():
    assert torch.equal(change(probability=0.0), IMAGE)


def test_ranges_of_zero_change_no_more_than_rounding_does():
    assert (change(probability=1.0, **NOTHING).int() - IMAGE.int()).abs().max() <= 2


@pytest.mark.parametrize(
    ("field", "function"),
    [("brightness", F.adjust_brightness), ("contrast", F.adjust_contrast), ("saturation", F.adjust_saturation)],
)
def test_factors_span_the_range_around_one(field, function):
    # The mean over the image is monotonous in brightness; for the others distance from grey is.
    def strength(image: torch.Tensor) -> float:
        if field == "brightness":
            return image.float().mean().item()
        if field == "contrast":
            return image.float().std().item()
        return (image.float() - image.float().mean(dim=0)).abs().mean().item()

    amounts = [strength(change(seed, probability=1.0, **{**NOTHING, field: 0.4})) for seed in range(40)]
    low, high = strength(function(IMAGE, 0.6)), strength(function(IMAGE, 1.4))
    assert low - 1 <= min(amounts) < low + 0.2 * (high - low)
    assert high - 0.2 * (high - low) < max(amounts) <= high + 1


def test_the_same_generator_gives_the_same_image():
    assert torch.equal(change(3, probability=1.0), change(3, probability=1.0))
    assert not torch.equal(change(3, probability=1.0), change(4, probability=1.0))
