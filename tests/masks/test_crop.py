import pytest
import torch
from torchvision.models.detection.roi_heads import project_masks_on_boxes

from specdet.masks import crop
from specdet.masks.crop import crop_masks, known_masks


def made(seed: int = 0):
    """Masks of two images with four slots, and boxes of them with the slot of each."""
    generator = torch.Generator().manual_seed(seed)
    masks = (torch.rand(2, 4, 60, 80, generator=generator) < 0.5).to(torch.uint8)
    corners = torch.rand(2, 9, 2, 2, generator=generator) * torch.tensor([80, 60])
    boxes = torch.cat((corners.amin(dim=2), corners.amax(dim=2) + 1), dim=-1)
    return masks, boxes, torch.randint(0, 4, (2, 9), generator=generator)


def test_soft_targets_are_torchvisions():
    masks, boxes, slots = made()
    found = crop_masks(masks, boxes, slots, cells=28, aligned=False)
    for image in range(2):
        expected = project_masks_on_boxes(masks[image], boxes[image], slots[image], 28)
        torch.testing.assert_close(found[image], expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("aligned", [False, True])
def test_masks_go_a_few_at_a_time_where_there_are_many(monkeypatch, aligned):
    masks, boxes, slots = made(1)
    whole = crop_masks(masks, boxes, slots, cells=14, aligned=aligned)
    for most in (1, 2 * 60 * 80, 3 * 60 * 80):
        monkeypatch.setattr(crop, "CHUNK", most)
        torch.testing.assert_close(crop_masks(masks, boxes, slots, cells=14, aligned=aligned), whole)


def test_the_box_of_a_rectangle_is_full_and_the_box_twice_as_wide_half():
    masks = torch.zeros(1, 1, 64, 64, dtype=torch.uint8)
    masks[0, 0, 16:32, 8:24] = 1
    boxes = torch.tensor([[[8.0, 16, 24, 32], [8, 16, 40, 32], [24, 16, 40, 32]]])
    found = crop_masks(masks, boxes, torch.zeros(1, 3, dtype=torch.long), cells=28, aligned=True)[0] >= 0.5
    assert found[0].all()
    assert found[1][:, :14].all() and not found[1][:, 14:].any()
    assert not found[2].any()


def test_a_mask_without_a_pixel_is_not_known():
    masks = torch.zeros(2, 3, 5, 5, dtype=torch.uint8)
    masks[0, 1, 4, 4] = masks[1, 2, 0, 0] = 1
    assert known_masks(masks).tolist() == [[False, True, False], [False, False, True]]
