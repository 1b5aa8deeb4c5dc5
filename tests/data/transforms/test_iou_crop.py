from collections import Counter

import attrs
import pytest
import torch
from torchvision import tv_tensors
from torchvision.ops import box_iou

from specdet.data.transforms.iou_crop import IoUCrop
from specdet.data.transforms.spec import IoUCropSpec
from tests.data.conftest import make_sample

# Each pixel says where it was.
PLACES = torch.stack(torch.meshgrid(torch.arange(60), torch.arange(80), indexing="ij")).to(torch.uint8)
IMAGE = torch.cat((PLACES, torch.zeros(1, 60, 80, dtype=torch.uint8)))
BOXES = [[5.0, 5, 40, 45], [30, 20, 70, 50], [60, 2, 78, 12]]


def cropped(seed: int, boxes=BOXES, **fields):
    sample = make_sample(IMAGE, boxes, labels=list(range(len(boxes))))
    return IoUCrop(IoUCropSpec(**fields))(sample, generator=torch.Generator().manual_seed(seed))


def part_of(done) -> torch.Tensor:
    """(1, 4) xyxy of the part in the image that it was cut from."""
    top, left = done.image[:2, 0, 0].tolist()
    return torch.tensor([[left, top, left + done.size[1], top + done.size[0]]], dtype=torch.float32)


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("of", ["some", "all"])
def test_objects_whose_centre_is_in_the_part_stay_cut_at_its_border(seed, of):
    done = cropped(seed, of=of)
    part, boxes = part_of(done), torch.tensor(BOXES)
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2
    inside = ((centers > part[:, :2]) & (centers < part[:, 2:])).all(dim=1)
    assert done.labels.tolist() == inside.nonzero().flatten().tolist() and inside.any()
    corner = part[0, :2].repeat(2)
    expected = torch.maximum(torch.minimum(boxes[inside], part[:, 2:].repeat(1, 2)), part[:, :2].repeat(1, 2)) - corner
    assert torch.equal(done.boxes.as_subclass(torch.Tensor), expected)
    height, width = done.size
    assert max(height, width) <= 2 * min(height, width)
    assert height >= 18 and width >= 24  # 0.3 of the sides


def test_the_overlap_is_reached_by_some_object_or_by_all():
    nearly_always = (0.6,) * 50  # two choices of 52 are another
    some = [part_of(cropped(seed, overlaps=nearly_always)) for seed in range(100)]
    assert sum(float(box_iou(torch.tensor(BOXES), part).max()) >= 0.6 for part in some) > 90
    nested = [[10.0, 10, 70, 50], [22, 22, 78, 58]]
    for of in ("all", "some"):
        parts = [part_of(cropped(seed, nested, overlaps=nearly_always, of=of)) for seed in range(100)]
        reached = sum(float(box_iou(torch.tensor(nested), part).min()) >= 0.6 for part in parts)
        assert (reached > 90) == (of == "all")


def test_each_choice_is_drawn_as_often():
    generator, counts = torch.Generator().manual_seed(0), Counter()
    crop = IoUCrop(IoUCropSpec(overlaps=(), min_scale=0.3))
    for _ in range(600):
        counts[crop(make_sample(IMAGE, BOXES), generator=generator).size == (60, 80)] += 1
    assert counts[True] / 600 == pytest.approx(0.5, abs=0.06)


def test_what_no_part_can_reach_leaves_the_image_whole():
    assert cropped(0, [[0.0, 0, 1, 1]], overlaps=(1.0,), min_scale=1.0).size == (60, 80)
    assert cropped(0, []).size == (60, 80)


def test_masks_go_with_their_objects_and_proposals_stay_in_their_slots():
    sample = make_sample(IMAGE, BOXES, labels=[0, 1, 2])
    masks = torch.zeros(3, 60, 80, dtype=torch.uint8)
    for mask, box in zip(masks, BOXES, strict=True):
        left, top, right, bottom = map(int, box)
        mask[top:bottom, left:right] = 1
    sample = attrs.evolve(sample, masks=tv_tensors.Mask(masks), proposals=sample.boxes)
    crop = IoUCrop(IoUCropSpec())
    found = [crop(sample, generator=torch.Generator().manual_seed(seed)) for seed in range(30)]
    assert len({len(each.labels) for each in found}) > 1
    for done in found:
        assert done.masks.shape == (len(done.labels), *done.size) and done.proposals.shape == (3, 4)
        for mask, (left, top, right, bottom) in zip(done.masks, done.boxes.int().tolist(), strict=True):
            assert mask.sum() == (right - left) * (bottom - top) == mask[top:bottom, left:right].sum()
