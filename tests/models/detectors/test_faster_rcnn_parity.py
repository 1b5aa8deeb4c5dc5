"""Faster R-CNN with torchvision's conventions and weights gives torchvision's features, outputs, losses and boxes."""

from typing import Any

import pytest
import torch

from specdet.experiment import load
from specdet.models.detectors.build import build_detector
from specdet.spec.structure import structure_component
from tests.models.same_detections import assert_same_detections
from tests.models.torchvision_two_stage import (
    MAKERS,
    SameRoISample,
    SameRPNSample,
    as_torchvision,
    labelled_batch,
    random_two_stage,
    two_stage_table,
    two_stage_weights,
)

SIZES = [(160, 192), (130, 150)]
BOXES = [[[10.0, 12, 50, 60], [60, 30, 150, 140], [5, 40, 30, 84], [2, 3, 190, 155]], [[20.0, 20, 52, 90]]]
LABELS = [[0, 2, 3, 1], [3]]
RTOL = 1e-4


@pytest.fixture(scope="module", params=MAKERS, ids="v{}".format)
def pair(request):
    theirs = random_two_stage(MAKERS[request.param], seed=7, box_detections_per_img=10_000)
    ours = build_detector(two_stage_table(request.param, test={"roi": {"max_detections": 10_000}}))
    ours.load_state_dict(two_stage_weights(theirs.state_dict(), request.param))
    return theirs, ours.eval(), labelled_batch(SIZES, BOXES, LABELS)


def close(mine, other):
    torch.testing.assert_close(mine, other, rtol=RTOL, atol=RTOL * other.abs().max().item())


@pytest.mark.parametrize("name", ["faster_rcnn_r50_fpn_torchvision", "faster_rcnn_r50_fpn_v2_torchvision"])
def test_the_shipped_specs_have_these_conventions(name):
    shipped: Any = load(f"specdet:coco/{name}.toml").model
    table = two_stage_table(
        2 if "_v2_" in name else 1,
        train={"proposals": {"nms_post": 2000}, "roi": {"sampler": {"num": 512}}},
        test={"rpn": {"nms_post": 1000}},
    )
    expected = structure_component(table, family="detector")
    for part in ("neck", "rpn_head", "roi_head", "train", "test", "preprocess"):
        assert getattr(shipped, part) == getattr(expected, part)


@torch.no_grad()
def test_features_and_outputs_are_torchvisions(pair):
    theirs, ours, batch = pair
    images, _ = as_torchvision(batch)
    expected = theirs.backbone(theirs.transform(images)[0].tensors)
    features = ours.features(batch)
    assert len(features) == len(expected) == 5
    for mine, other in zip(features, expected.values(), strict=True):
        close(mine, other)

    said = ours.rpn_head(features, image_size=(160, 192))
    logits, deltas = theirs.rpn.head(list(expected.values()))
    close(said.logits, torch.cat([each.permute(0, 2, 3, 1).flatten(1) for each in logits], dim=1))
    close(said.deltas, torch.cat([each.permute(0, 2, 3, 1).reshape(2, -1, 4) for each in deltas], dim=1))

    boxes = batch.targets.boxes.repeat(1, 5, 1) * torch.linspace(0.2, 1, 20)[:, None]
    boxes = torch.where(boxes.sum(-1, keepdim=True) > 0, boxes, torch.tensor([0.0, 0, 32, 16]))
    pooled = theirs.roi_heads.box_roi_pool(expected, list(boxes), SIZES)
    logits, deltas = theirs.roi_heads.box_predictor(theirs.roi_heads.box_head(pooled))
    close(ours.roi_head.bbox_roi_extractor(features, boxes), pooled)
    outputs = ours.roi_head.bbox_outputs(ours.roi_head.bbox_head, features, boxes)
    close(outputs.logits.flatten(0, 1), logits.roll(-1, dims=1))
    close(outputs.deltas.flatten(0, 1).flatten(1), deltas[:, 4:])


@pytest.mark.parametrize("empty", [False, True], ids=["objects", "an image without"])
@torch.no_grad()
def test_losses_are_torchvisions(pair, monkeypatch, empty):
    theirs, ours, _ = pair
    batch = labelled_batch(SIZES, [BOXES[0], [] if empty else BOXES[1]], [LABELS[0], [] if empty else LABELS[1]])
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
    expected = theirs(*as_torchvision(batch))

    positives = drawn[0].positive.sum(dim=1)
    assert positives[0] > len(BOXES[0]) and (positives[1] > 0) != empty and drawn[0].used.all()
    assert found.keys() == {"loss/rpn_cls", "loss/rpn_box", "loss/cls", "loss/box"}
    for mine, other in (
        ("loss/rpn_cls", "loss_objectness"),
        ("loss/rpn_box", "loss_rpn_box_reg"),
        ("loss/cls", "loss_classifier"),
        ("loss/box", "loss_box_reg"),
    ):
        torch.testing.assert_close(found[mine], expected[other], rtol=RTOL, atol=0)


@torch.no_grad()
def test_detections_are_torchvisions(pair):
    theirs, ours, batch = pair
    for found, expected in zip(ours(batch), theirs(as_torchvision(batch)[0]), strict=True):
        assert ours.spec.test.roi.max_detections > len(found) > 20
        assert len(found.labels.unique()) > 1
        assert_same_detections(found, **{**expected, "labels": expected["labels"] - 1})
