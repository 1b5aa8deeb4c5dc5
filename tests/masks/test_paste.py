import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import grid_sample
from torchvision.models.detection.roi_heads import paste_masks_in_image

from specdet.masks import paste
from specdet.masks.paste import painted, paste_masks


def made(seed: int, count: int, *, height: int, width: int, cells: int = 28, reach: float = 0.2):
    """Masks, and boxes some of which leave the image or are thinner than a pixel."""
    generator = torch.Generator().manual_seed(seed)
    corners = (torch.rand(count, 2, 2, generator=generator) * (1 + 2 * reach) - reach) * torch.tensor([width, height])
    boxes = torch.cat((corners.amin(dim=1), corners.amax(dim=1) + 0.1), dim=1)
    return torch.rand(count, cells, cells, generator=generator), boxes


def sampled(masks, boxes, *, size):
    """By torch's own sampling of a grid, as mmdetection and detectron2 paste."""
    height, width = size
    x0, y0, x1, y1 = (side[:, None] for side in boxes.unbind(1))
    x = (torch.arange(width) + 0.5 - x0) / (x1 - x0) * 2 - 1
    y = (torch.arange(height) + 0.5 - y0) / (y1 - y0) * 2 - 1
    grid = torch.stack((x[:, None].expand(-1, height, -1), y[:, :, None].expand(-1, -1, width)), dim=-1)
    return grid_sample(masks[:, None], grid, align_corners=False)[:, 0]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 999), height=st.integers(1, 90), width=st.integers(1, 90))
def test_exact_pasting_is_that_of_a_sampled_grid(seed, height, width):
    masks, boxes = made(seed, 6, height=height, width=width)
    found = painted(masks, boxes, size=(height, width), paste="exact")
    # Places are reckoned in float32: in a box of a tenth of a pixel a cell is smaller than their error.
    torch.testing.assert_close(found, sampled(masks, boxes, size=(height, width)), rtol=0, atol=2e-2)
    large = ((boxes[:, 2:] - boxes[:, :2]) > 2).all(dim=1)
    expected = sampled(masks[large], boxes[large], size=(height, width))
    torch.testing.assert_close(found[large], expected, rtol=0, atol=1e-4)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 999), height=st.integers(1, 90), width=st.integers(1, 90))
def test_pasting_of_whole_pixels_is_torchvisions(seed, height, width):
    masks, boxes = made(seed, 6, height=height, width=width, reach=0.0)
    boxes[:, 0::2].clamp_(0, width)
    boxes[:, 1::2].clamp_(0, height)
    found = painted(masks, boxes, size=(height, width), paste="whole_pixels")
    expected = paste_masks_in_image(masks[:, None], boxes, (height, width))[:, 0]
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)


def test_a_full_mask_fills_its_box_and_nothing_else():
    found = paste_masks(torch.ones(1, 28, 28), torch.tensor([[10.0, 5, 30, 17]]), size=(40, 50))
    expected = torch.zeros(40, 50, dtype=torch.bool)
    expected[5:17, 10:30] = True
    assert torch.equal(found[0], expected)


@pytest.mark.parametrize("rule", ["exact", "whole_pixels"])
def test_many_masks_are_painted_a_few_at_a_time(monkeypatch, rule):
    masks, boxes = made(3, 7, height=30, width=40)
    whole = paste_masks(masks, boxes, size=(30, 40), paste=rule)
    monkeypatch.setattr(paste, "CHUNK", 2 * 30 * 40 + 5)
    sizes, paint = [], paste.painted
    monkeypatch.setattr(paste, "painted", lambda *args, **more: sizes.append(len(args[0])) or paint(*args, **more))
    assert torch.equal(paste_masks(masks, boxes, size=(30, 40), paste=rule), whole)
    assert sizes == [2, 2, 2, 1]


@pytest.mark.parametrize("rule", ["exact", "whole_pixels"])
def test_odd_boxes_and_images_do_no_harm(rule):
    boxes = torch.tensor([[3.0, 3, 3, 3], [-50, -50, -40, -40], [0, 0, 4000, 16], [5, 5, 4, 4]])
    found = paste_masks(torch.ones(4, 28, 28), boxes, size=(16, 4000), paste=rule)
    assert found.shape == (4, 16, 4000)
    assert found[2].float().mean() > 0.9
    assert not found[1].any()
    assert paste_masks(torch.ones(0, 28, 28), torch.zeros(0, 4), size=(5, 6), paste=rule).shape == (0, 5, 6)


def test_a_threshold_says_how_sure_a_pixel_must_be():
    masks = torch.linspace(0, 1, 28).expand(1, 28, 28)
    boxes = torch.tensor([[0.0, 0, 56, 56]])
    shares = [float(paste_masks(masks, boxes, size=(56, 56), threshold=at).float().mean()) for at in (0.2, 0.5, 0.8)]
    assert shares == pytest.approx([0.8, 0.5, 0.2], abs=0.03)
