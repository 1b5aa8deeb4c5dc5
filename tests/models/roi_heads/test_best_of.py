"""The best boxes of each class, against torchvision's steps one by one."""

import pytest
import torch
from torchvision.ops import batched_nms, remove_small_boxes

from specdet.models.detectors.two_stage_spec import RoITestSpec
from specdet.models.roi_heads.base import best_of

K = 4


def case(boxes_each: int, *, images: int = 2, count: int = 30):
    generator = torch.Generator().manual_seed(0)
    corner = torch.rand(images, count, boxes_each, 2, generator=generator) * 40
    sides = 1 + torch.rand(images, count, boxes_each, 2, generator=generator) * 30
    scores = torch.rand(images, count, K + 1, generator=generator).pow(4)
    valid = torch.rand(images, count, generator=generator) > 0.2
    return torch.cat((corner, corner + sides), dim=-1), (scores / scores.sum(-1, keepdim=True))[..., :K], valid


@pytest.mark.parametrize("boxes_each", [1, K])
@pytest.mark.parametrize("min_size", [0.0, 8.0])
def test_each_image_keeps_what_torchvision_would(boxes_each, min_size):
    boxes, scores, valid = case(boxes_each)
    test = RoITestSpec(min_score=0.1, nms_iou=0.4, max_detections=25, min_size=min_size)
    found = best_of(boxes, scores, valid=valid, test=test)
    for image in range(2):
        own = boxes[image][valid[image]].expand(-1, K, 4).reshape(-1, 4)
        own_scores = scores[image][valid[image]].flatten()
        labels = torch.arange(K).repeat(len(own) // K)
        likely = own_scores > 0.1
        own, own_scores, labels = own[likely], own_scores[likely], labels[likely]
        large = remove_small_boxes(own, min_size)
        own, own_scores, labels = own[large], own_scores[large], labels[large]
        keep = batched_nms(own, own_scores, labels, 0.4)[:25]
        used = found.kept.valid[image]
        assert 10 < len(keep) == used.sum()
        assert torch.equal(found.boxes[image][used], own[keep])
        assert torch.equal(found.kept.scores[image][used], own_scores[keep])
        assert torch.equal(found.labels[image][used], labels[keep])


def test_nothing_likely_gives_nothing():
    boxes, scores, valid = case(1)
    for likely, own in ((1.0, valid), (0.0, torch.zeros_like(valid))):
        assert not best_of(boxes, scores, valid=own, test=RoITestSpec(min_score=likely)).kept.valid.any()
