"""Box formats against torchvision's."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision import ops

from specdet.boxes.formats import box_areas, clip_boxes, cxcywh_to_xyxy, scale_boxes, xyxy_to_cxcywh


def random_boxes(seed: int, *shape: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    corner = torch.rand(*shape, 2, generator=generator) * 200 - 50
    return torch.cat((corner, corner + torch.rand(*shape, 2, generator=generator) * 100), dim=-1)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_centres_and_sizes_are_torchvisions_and_come_back(seed):
    boxes = random_boxes(seed, 9)
    centers = xyxy_to_cxcywh(boxes)
    torch.testing.assert_close(centers, ops.box_convert(boxes, "xyxy", "cxcywh"))
    torch.testing.assert_close(cxcywh_to_xyxy(centers), boxes, rtol=1e-5, atol=1e-4)


def test_areas_are_torchvisions():
    boxes = random_boxes(0, 9)
    torch.testing.assert_close(box_areas(boxes), ops.box_area(boxes))


def test_each_image_clips_its_own_boxes():
    boxes, sizes = random_boxes(1, 2, 50), torch.tensor([[60, 90], [120, 30]])
    expected = torch.stack(
        [ops.clip_boxes_to_image(each, (int(h), int(w))) for each, (h, w) in zip(boxes, sizes, strict=True)]
    )
    assert torch.equal(clip_boxes(boxes, sizes), expected)


def test_scaling_goes_by_each_side():
    boxes = torch.tensor([[[10.0, 20.0, 30.0, 40.0]]])
    scaled = scale_boxes(boxes, sizes=torch.tensor([[50, 100]]), to_sizes=torch.tensor([[100, 300]]))
    assert scaled.tolist() == [[[30.0, 40.0, 90.0, 80.0]]]
