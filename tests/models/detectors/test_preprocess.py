"""Normalisation against torchvision's, and what becomes of padding."""

import pytest
import torch
from torchvision.transforms.v2.functional import normalize

from specdet.models.detectors.preprocess import Preprocess
from specdet.models.detectors.spec import PreprocessSpec
from tests.models.batches import make_batch

SIZES = [(20, 33), (32, 30)]


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_each_image_is_normalised_and_all_else_is_zero(dtype):
    batch = make_batch(SIZES)
    images = batch.images.to(dtype)
    for image, (height, width) in zip(images, SIZES, strict=True):
        image[:, height:] = 114
        image[:, :, width:] = 114
    found = Preprocess(PreprocessSpec())(images, sizes=batch.sizes)
    for own, image, (height, width) in zip(found, images, SIZES, strict=True):
        expected = normalize(image.float() / 255, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
        torch.testing.assert_close(own[:, :height, :width], expected[:, :height, :width], rtol=1e-5, atol=1e-5)
        assert own[:, height:].abs().sum() == own[:, :, width:].abs().sum() == 0


def test_blue_comes_first_if_wanted():
    images = torch.tensor([10, 20, 30], dtype=torch.uint8)[None, :, None, None].expand(1, 3, 4, 4)
    spec = PreprocessSpec(bgr=True, mean=(1.0, 2.0, 3.0), std=(1.0, 1.0, 1.0))
    assert Preprocess(spec)(images, sizes=torch.tensor([[4, 4]]))[0, :, 0, 0].tolist() == [29.0, 18.0, 7.0]


def test_the_numbers_are_no_weights():
    assert Preprocess(PreprocessSpec()).state_dict() == {}
