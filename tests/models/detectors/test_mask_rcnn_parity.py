"""Mask R-CNN with torchvision's conventions and weights gives torchvision's mask logits, losses, boxes and masks."""

from typing import Any

import pytest
import torch
from torchvision.models.detection import maskrcnn_resnet50_fpn, maskrcnn_resnet50_fpn_v2
from torchvision.models.detection.roi_heads import paste_masks_in_image

from specdet.experiment import load
from specdet.models.detectors.build import build_detector
from specdet.spec.merge import merge
from specdet.spec.structure import structure_component
from tests.models.mask_rcnn import with_masks
from tests.models.same_detections import assert_same_detections
from tests.models.torchvision_two_stage import (
    SameRoISample,
    SameRPNSample,
    as_torchvision,
    labelled_batch,
    random_two_stage,
    two_stage_table,
    two_stage_weights,
)

MAKERS = {1: maskrcnn_resnet50_fpn, 2: maskrcnn_resnet50_fpn_v2}
LAYER = (r"roi_heads\.mask_head\.(\d)\.0\.(.+)", r"roi_head.mask_head.convs.\1.\2")
LAYERS_WITH_NORM = (r"roi_heads\.mask_head\.(\d\.\d)\.(.+)", r"roi_head.mask_head.convs.\1.\2")
PREDICTOR = (
    (r"roi_heads\.mask_predictor\.conv5_mask\.(.+)", r"roi_head.mask_head.upsample.\1"),
    (r"roi_heads\.mask_predictor\.mask_fcn_logits\.(.+)", r"roi_head.mask_head.conv_logits.\1"),
)
CONVENTIONS = {"level_rule": "torchvision", "sampling_ratio": 2, "aligned": False, "output_size": 14}
SIZES = [(160, 192), (130, 150)]
BOXES = [[[10.0, 12, 50, 60], [60, 30, 150, 140], [5, 40, 30, 84], [2, 3, 190, 155]], [[20.0, 20, 52, 90]]]
LABELS = [[0, 2, 3, 1], [3]]
RTOL = 1e-4


def mask_table(version: int, **changes: Any) -> dict[str, Any]:
    """Mask R-CNN with torchvision's conventions; tables given are merged into it."""
    table = two_stage_table(
        version,
        roi_head={
            "mask_roi_extractor": CONVENTIONS,
            "mask_head": {"type": "MaskHead", "norm": "none" if version == 1 else "BN", "targets": "soft"},
        },
        test={"roi": {"mask_paste": "whole_pixels"}},
    )
    return merge({**table, "type": "MaskRCNN"}, changes)


@pytest.fixture(scope="module", params=MAKERS, ids="v{}".format)
def pair(request):
    version = request.param
    theirs = random_two_stage(MAKERS[version], seed=7, box_detections_per_img=40)
    ours = build_detector(mask_table(version, test={"roi": {"max_detections": 40}}))
    state = two_stage_weights(
        theirs.state_dict(), version, more=(LAYER if version == 1 else LAYERS_WITH_NORM, *PREDICTOR)
    )
    for kind in ("weight", "bias"):
        name = f"roi_head.mask_head.conv_logits.{kind}"
        state[name] = state[name][1:]  # theirs has a mask of the background, first
    ours.load_state_dict(state)
    return theirs, ours.eval(), with_masks(labelled_batch(SIZES, BOXES, LABELS))


def close(mine, other):
    torch.testing.assert_close(mine, other, rtol=RTOL, atol=RTOL * other.abs().max().item())


@pytest.mark.parametrize("name", ["mask_rcnn_r50_fpn_torchvision", "mask_rcnn_r50_fpn_v2_torchvision"])
def test_the_shipped_specs_have_these_conventions(name):
    shipped: Any = load(f"specdet:coco/{name}.toml").model
    table = mask_table(
        2 if "_v2_" in name else 1,
        train={"proposals": {"nms_post": 2000}, "roi": {"sampler": {"num": 512}}},
        test={"rpn": {"nms_post": 1000}},
    )
    expected = structure_component(table, family="detector")
    for part in ("neck", "rpn_head", "roi_head", "train", "test", "preprocess"):
        assert getattr(shipped, part) == getattr(expected, part)


@torch.no_grad()
def test_mask_logits_are_torchvisions(pair):
    theirs, ours, batch = pair
    expected = theirs.backbone(theirs.transform(as_torchvision(batch)[0])[0].tensors)
    features = ours.features(batch)
    boxes = batch.targets.boxes.repeat(1, 5, 1) * torch.linspace(0.2, 1, 20)[:, None]
    boxes = torch.where(boxes.sum(-1, keepdim=True) > 0, boxes, torch.tensor([0.0, 0, 32, 16]))
    pooled = theirs.roi_heads.mask_roi_pool(expected, list(boxes), SIZES)
    logits = theirs.roi_heads.mask_predictor(theirs.roi_heads.mask_head(pooled))
    head = ours.roi_head
    close(head.mask_roi_extractor(features, boxes), pooled)
    close(head.mask_head(head.mask_roi_extractor(features, boxes)), logits[:, 1:])
    assert logits.shape[-1] == head.mask_head.cells == 28


@pytest.mark.parametrize("empty", [False, True], ids=["objects", "an image without"])
@torch.no_grad()
def test_losses_are_torchvisions(pair, monkeypatch, empty):
    theirs, ours, _ = pair
    batch = with_masks(
        labelled_batch(SIZES, [BOXES[0], [] if empty else BOXES[1]], [LABELS[0], [] if empty else LABELS[1]])
    )
    drawn = []
    draw, same_anchors = ours.roi_head.sample, SameRPNSample(ours.rpn_head.sampler)
    monkeypatch.setattr(ours.roi_head, "sample", lambda *args: drawn.append(draw(*args)) or drawn[-1])
    monkeypatch.setattr(ours.rpn_head, "sampler", same_anchors)
    found = ours(batch, returns="loss")

    same_boxes = SameRoISample(theirs, tolerance=RTOL * 192)
    monkeypatch.setattr(theirs.rpn, "fg_bg_sampler", same_anchors)
    monkeypatch.setattr(theirs.roi_heads, "add_gt_proposals", same_boxes.add_gt_proposals)
    monkeypatch.setattr(theirs.roi_heads, "fg_bg_sampler", same_boxes.of(drawn[0]))
    for module in (theirs, theirs.rpn, theirs.roi_heads):
        monkeypatch.setattr(module, "training", True)
    images, targets = as_torchvision(batch)
    for target, masks, valid, (height, width) in zip(
        targets, batch.targets.masks, batch.targets.valid, SIZES, strict=True
    ):
        target["masks"] = masks[valid, :height, :width]
    expected = theirs(images, targets)

    assert drawn[0].positive[0].sum() > 4  # others than the ground truth itself
    for mine, other in (
        ("loss/rpn_cls", "loss_objectness"),
        ("loss/rpn_box", "loss_rpn_box_reg"),
        ("loss/cls", "loss_classifier"),
        ("loss/box", "loss_box_reg"),
        ("loss/mask", "loss_mask"),
    ):
        torch.testing.assert_close(found[mine], expected[other], rtol=RTOL, atol=0)


@torch.no_grad()
def test_detections_and_masks_are_torchvisions(pair):
    theirs, ours, batch = pair
    theirs_found = theirs(as_torchvision(batch)[0])
    for found, expected, size in zip(ours(batch), theirs_found, SIZES, strict=True):
        # Their postprocessing would paste, and resize; it is off, as their transform is in training mode.
        soft = paste_masks_in_image(expected["masks"], expected["boxes"], size)[:, 0]
        assert len(found) == 40
        assert found.masks.shape == soft.shape
        labels = expected["labels"] - 1
        assert_same_detections(found, boxes=expected["boxes"], scores=expected["scores"], labels=labels)
        # Near ties may stand in another order: each mask is compared with that of the same box.
        apart = (found.boxes[:, None] - expected["boxes"]).abs().amax(dim=-1)
        like = apart.masked_fill(found.labels[:, None] != labels, torch.inf).argmin(dim=1)
        sure = (soft[like] - 0.5).abs() > 1e-3
        assert sure.float().mean() > 0.9
        assert torch.equal(found.masks[sure], soft[like][sure] > 0.5)
        assert 0 < found.masks.float().mean() < 1
