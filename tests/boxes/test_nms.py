"""Suppression of a batch against torchvision's, image by image."""

import torch
from torchvision import ops
from torchvision.ops import batched_nms

from specdet.boxes.nms import nms


def candidates(num_images: int = 3, count: int = 60) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    corner = torch.rand(num_images, count, 2, generator=generator) * 60
    boxes = torch.cat((corner, corner + 5 + torch.rand(num_images, count, 2, generator=generator) * 40), dim=-1)
    return boxes, torch.rand(num_images, count, generator=generator), torch.arange(count) % 3


def test_a_batch_keeps_what_each_image_would_keep_alone():
    boxes, scores, levels = candidates()
    kept = nms(boxes, scores, groups=levels, valid=torch.ones_like(scores).bool(), iou_threshold=0.4, max_kept=100)
    for image in range(3):
        alone = batched_nms(boxes[image], scores[image], levels, 0.4)
        assert 5 < len(alone) < 60
        assert kept.indices[image][kept.valid[image]].tolist() == alone.tolist()
        assert torch.equal(kept.scores[image][kept.valid[image]], scores[image][alone])


def test_many_classes_and_images_change_no_decision():
    """In one row, the last class of the last image would lie 6 million px out, where float32 knows half pixels."""
    generator = torch.Generator().manual_seed(0)
    corner = torch.rand(4, 30, 1, 2, generator=generator) * 1290
    jitter = torch.rand(4, 30, 8, 2, generator=generator) * 8
    first = (corner + jitter).flatten(1, 2)
    boxes = torch.cat((first, first + 8 + torch.rand(4, 240, 2, generator=generator) * 20), dim=-1)
    scores = torch.rand(4, 240, generator=generator)
    classes = torch.randint(1170, 1203, (4, 30, 1), generator=generator).expand(-1, -1, 8).flatten(1)
    kept = nms(boxes, scores, groups=classes, valid=torch.ones_like(scores).bool(), iou_threshold=0.5, max_kept=240)
    for image in range(4):
        alone = torch.cat([
            own[ops.nms(boxes[image, own], scores[image, own], 0.5)]
            for own in ((classes[image] == label).nonzero()[:, 0] for label in classes[image].unique())
        ])  # fmt: skip
        assert 30 < len(alone) < 240
        assert kept.indices[image][kept.valid[image]].sort().values.tolist() == alone.sort().values.tolist()


def test_the_best_are_kept_where_there_is_less_room():
    boxes, scores, levels = candidates()
    kept = nms(boxes, scores, groups=levels, valid=torch.ones_like(scores).bool(), iou_threshold=0.4, max_kept=4)
    assert kept.valid.all()
    for image in range(3):
        assert kept.indices[image].tolist() == batched_nms(boxes[image], scores[image], levels, 0.4)[:4].tolist()


def test_what_is_not_valid_neither_stays_nor_suppresses():
    boxes, scores, levels = candidates()
    valid = scores < 0.7
    kept = nms(boxes, scores, groups=levels, valid=valid, iou_threshold=0.4, max_kept=100)
    for image in range(3):
        inside = valid[image].nonzero()[:, 0]
        alone = inside[batched_nms(boxes[image][inside], scores[image][inside], levels[inside], 0.4)]
        assert kept.indices[image][kept.valid[image]].tolist() == alone.tolist()
    assert torch.isneginf(kept.scores[~kept.valid]).all()


def test_half_precision_decides_as_float32():
    boxes, scores, levels = candidates()
    scores = scores.bfloat16()
    kept = nms(boxes, scores, groups=levels, valid=torch.ones_like(scores).bool(), iou_threshold=0.4, max_kept=100)
    assert kept.scores.dtype == torch.float32


def test_nothing_valid_keeps_nothing():
    boxes, scores, levels = candidates()
    kept = nms(boxes, scores, groups=levels, valid=torch.zeros_like(scores).bool(), iou_threshold=0.4, max_kept=5)
    assert kept.valid.shape == (3, 5) and not kept.valid.any()
