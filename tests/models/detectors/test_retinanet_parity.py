"""Our RetinaNet with torchvision's conventions and weights gives torchvision's features, outputs, losses and boxes."""

import re
from typing import Any

import attrs
import pytest
import torch
from torchvision.models.detection import retinanet_resnet50_fpn, retinanet_resnet50_fpn_v2
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.transform import GeneralizedRCNNTransform

from specdet.models.detectors.build import build_detector
from specdet.structures import Batch
from tests.models.batches import make_batch
from tests.models.same_detections import assert_same_detections
from tests.models.torchvision_weights import give_random_weights

# torchvision's names of the layers of RetinaNet, and ours.
RENAMED = (
    (r"backbone\.body\.(.+)", r"backbone.\1"),
    (r"backbone\.fpn\.inner_blocks\.(\d+)\.0\.(.+)", r"neck.lateral_convs.\1.\2"),
    (r"backbone\.fpn\.layer_blocks\.(\d+)\.0\.(.+)", r"neck.fpn_convs.\1.\2"),
    (r"backbone\.fpn\.extra_blocks\.p6\.(.+)", r"neck.fpn_convs.3.\1"),
    (r"backbone\.fpn\.extra_blocks\.p7\.(.+)", r"neck.fpn_convs.4.\1"),
    (r"head\.classification_head\.conv\.(.+)", r"bbox_head.cls_convs.\1"),
    (r"head\.classification_head\.cls_logits\.(.+)", r"bbox_head.retina_cls.\1"),
    (r"head\.regression_head\.conv\.(.+)", r"bbox_head.reg_convs.\1"),
    (r"head\.regression_head\.bbox_reg\.(.+)", r"bbox_head.retina_reg.\1"),
)
SIZES = [(160, 192), (130, 150)]
BOXES = [[[10.0, 12, 50, 60], [60, 30, 150, 140], [5, 40, 30, 84], [2, 3, 190, 155]], [[20.0, 20, 52, 90]]]
LABELS = [[0, 2, 3, 1], [3]]
ANCHORS = [[size, int(size * 2 ** (1 / 3)), int(size * 2 ** (2 / 3))] for size in (32, 64, 128, 256, 512)]


def table(version: int) -> dict[str, Any]:
    """RetinaNet with torchvision's conventions."""
    return {
        "type": "RetinaNet",
        "num_classes": 4,
        "backbone": {"type": "ResNet", "depth": 50, "out_stages": [2, 3, 4]},
        "neck": {
            "type": "FPN",
            "extra_levels": 2,
            "extra_from": "output" if version == 1 else "input",
            "relu_before_extra": True,
        },
        "bbox_head": {
            "norm": "none" if version == 1 else "GN",
            "anchors": {"sizes": ANCHORS, "rounding": True, "stride_from": "image"},
            "coder": {"clamp": "max"},
            "loss_box": {"type": "L1" if version == 1 else "GIoU"},
        },
        "train": {"assigner": {"low_quality": "best_kept"}, "exclude_padding": False, "average": "image"},
        "test": {"max_detections": 10_000},
    }


def ours_of(name: str, version: int) -> str:
    """Our name of one of torchvision's weights; without norms a convolution stands in its tower alone."""
    found = [re.sub(pattern, new, name) for pattern, new in RENAMED if re.fullmatch(pattern, name)]
    assert len(found) == 1, name
    return re.sub(r"(_convs\.\d+)\.0\.", r"\1.", found[0]) if version == 1 else found[0]


def labelled_batch(boxes: list[list[list[float]]]) -> Batch:
    batch = make_batch(SIZES, boxes)
    labels = batch.targets.labels.clone()
    for own, own_boxes, known in zip(labels, boxes, LABELS, strict=True):
        own[: len(own_boxes)] = torch.tensor(known[: len(own_boxes)])
    return attrs.evolve(batch, targets=attrs.evolve(batch.targets, labels=labels))


@pytest.fixture(scope="module", params=[1, 2])
def pair(request):
    make = retinanet_resnet50_fpn if request.param == 1 else retinanet_resnet50_fpn_v2
    theirs = make(weights=None, weights_backbone=None, num_classes=4, detections_per_img=10_000)
    theirs.transform = GeneralizedRCNNTransform(
        1, 1, image_mean=[0.485, 0.456, 0.406], image_std=[0.229, 0.224, 0.225], _skip_resize=True
    )
    give_random_weights(theirs, seed=5)
    ours = build_detector(table(request.param))
    ours.load_state_dict({ours_of(name, request.param): value for name, value in theirs.state_dict().items()})
    theirs.eval()
    theirs.transform.train()  # in evaluation it resizes whatever it is told
    batch = labelled_batch(BOXES)
    images = [image[:, :h, :w] / 255 for image, (h, w) in zip(batch.images, batch.sizes.tolist(), strict=True)]
    return theirs, ours.eval(), batch, images


@torch.no_grad()
def test_features_and_outputs_are_torchvisions(pair):
    theirs, ours, batch, images = pair
    expected = list(theirs.backbone(theirs.transform(images)[0].tensors).values())
    features = ours.features(batch)
    assert len(features) == len(expected) == 5
    for mine, other in zip(features, expected, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-4 * other.abs().max())
    outputs, said = ours.bbox_head(features, image_size=(160, 192)), theirs.head(expected)
    for mine, other in ((outputs.logits, said["cls_logits"]), (outputs.deltas, said["bbox_regression"])):
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-4 * other.abs().max())
    anchors = theirs.anchor_generator(ImageList(batch.images, SIZES), expected)[0]
    torch.testing.assert_close(outputs.anchors.boxes, anchors, rtol=0, atol=1e-5)


@pytest.mark.parametrize("boxes", [BOXES, [BOXES[0], []]], ids=["objects", "an image without"])
@torch.no_grad()
def test_losses_are_torchvisions(pair, monkeypatch, boxes):
    theirs, ours, _, images = pair
    batch = labelled_batch(boxes)
    targets = [
        {"boxes": torch.tensor(own).reshape(-1, 4), "labels": torch.tensor(known[: len(own)], dtype=torch.int64)}
        for own, known in zip(boxes, LABELS, strict=True)
    ]
    monkeypatch.setattr(theirs, "training", True)
    expected = theirs(images, targets)
    found = ours(batch, returns="loss")
    positives = ours.bbox_head.targets(ours.bbox_head.anchors_of(batch), batch).positive.sum(dim=1)
    assert positives[0] > 5 and positives[0] != positives[1] and (positives[1] > 0) == (len(boxes[1]) > 0)
    torch.testing.assert_close(found["loss/cls"], expected["classification"], rtol=1e-4, atol=0)
    torch.testing.assert_close(found["loss/box"], expected["bbox_regression"], rtol=1e-4, atol=0)


@torch.no_grad()
def test_detections_are_torchvisions(pair):
    """All of them, but for boxes without an area, which torchvision keeps and which suppress nothing."""
    theirs, ours, batch, images = pair
    for found, expected in zip(ours(batch), theirs(images), strict=True):
        sides = expected["boxes"][:, 2:] - expected["boxes"][:, :2]
        own = {name: values[(sides > 0).all(dim=1)] for name, values in expected.items()}
        assert ours.spec.test.max_detections > len(found) > 100
        assert_same_detections(found, **own)
