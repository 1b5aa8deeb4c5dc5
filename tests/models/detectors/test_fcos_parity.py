"""Our FCOS with torchvision's conventions and weights gives torchvision's features, outputs, losses and detections."""

import re

import attrs
import pytest
import torch
from torchvision.models.detection import fcos_resnet50_fpn
from torchvision.models.detection.transform import GeneralizedRCNNTransform

from specdet.models.detectors.build import build_detector
from specdet.structures import Batch
from tests.models.batches import make_batch
from tests.models.same_detections import assert_same_detections
from tests.models.torchvision_weights import give_random_weights

# torchvision's names of the layers of FCOS, and ours; its towers are rows of convolution, norm and ReLU.
RENAMED = (
    (r"backbone\.body\.(.+)", r"backbone.\1"),
    (r"backbone\.fpn\.inner_blocks\.(\d+)\.0\.(.+)", r"neck.lateral_convs.\1.\2"),
    (r"backbone\.fpn\.layer_blocks\.(\d+)\.0\.(.+)", r"neck.fpn_convs.\1.\2"),
    (r"backbone\.fpn\.extra_blocks\.p6\.(.+)", r"neck.fpn_convs.3.\1"),
    (r"backbone\.fpn\.extra_blocks\.p7\.(.+)", r"neck.fpn_convs.4.\1"),
    (r"head\.classification_head\.cls_logits\.(.+)", r"bbox_head.conv_cls.\1"),
    (r"head\.regression_head\.bbox_reg\.(.+)", r"bbox_head.conv_reg.\1"),
    (r"head\.regression_head\.bbox_ctrness\.(.+)", r"bbox_head.conv_centerness.\1"),
)
TOWER = r"head\.(classification|regression)_head\.conv\.(\d+)\.(.+)"
TABLE = {
    "type": "FCOS",
    "num_classes": 4,
    "backbone": {"type": "ResNet", "depth": 50, "out_stages": [2, 3, 4]},
    "neck": {"type": "FPN", "extra_levels": 2, "extra_from": "output", "relu_before_extra": True},
    "bbox_head": {
        "conv_bias": True,
        "scale_per_level": False,
        "distance": "relu",
        "centerness_on": "reg",
        "points": {"offset": 0.0, "stride_from": "image"},
        "loss_box": {"type": "GIoU"},
    },
    "train": {"assigner": {"center_radius": 1.5, "closed": False}, "box_weight": "one", "loss_normalizer": "rank"},
    "test": {"score": "root", "min_score": 0.2, "nms_iou": 0.6, "max_detections": 10_000},
}
SIZES = [(160, 192), (130, 150)]
BOXES = [[[10.0, 12, 50, 60], [60, 30, 150, 140], [5, 40, 30, 84], [2, 3, 190, 155]], [[20.0, 20, 52, 90]]]
LABELS = [[0, 2, 3, 1], [3]]


def ours_of(name: str) -> str:
    if tower := re.fullmatch(TOWER, name):
        branch, place = {"classification": "cls", "regression": "reg"}[tower[1]], int(tower[2])
        return f"bbox_head.{branch}_convs.{place // 3}.{place % 3}.{tower[3]}"
    found = [re.sub(pattern, new, name) for pattern, new in RENAMED if re.fullmatch(pattern, name)]
    assert len(found) == 1, name
    return found[0]


def labelled_batch() -> Batch:
    batch = make_batch(SIZES, BOXES)
    labels = batch.targets.labels.clone()
    for own, known in zip(labels, LABELS, strict=True):
        own[: len(known)] = torch.tensor(known)
    return attrs.evolve(batch, targets=attrs.evolve(batch.targets, labels=labels))


@pytest.fixture(scope="module")
def pair():
    theirs = fcos_resnet50_fpn(weights=None, weights_backbone=None, num_classes=4, detections_per_img=10_000)
    theirs.transform = GeneralizedRCNNTransform(
        1, 1, image_mean=[0.485, 0.456, 0.406], image_std=[0.229, 0.224, 0.225], _skip_resize=True
    )
    give_random_weights(theirs, seed=5)
    ours = build_detector(TABLE)
    ours.load_state_dict({ours_of(name): value for name, value in theirs.state_dict().items()})
    theirs.eval()
    theirs.transform.train()  # in evaluation it resizes whatever it is told
    batch = labelled_batch()
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
    outputs = ours.bbox_head(features, image_size=(160, 192))
    said = theirs.head(expected)
    strides = outputs.points.strides[:, None]
    for mine, other in (
        (outputs.logits, said["cls_logits"]),
        (outputs.distances / strides, said["bbox_regression"]),
        (outputs.centerness[..., None], said["bbox_ctrness"]),
    ):
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-4 * other.abs().max())
    assert (outputs.distances > 0).float().mean() > 0.1


@torch.no_grad()
def test_losses_are_torchvisions(pair, monkeypatch):
    theirs, ours, batch, images = pair
    targets = [
        {"boxes": torch.tensor(boxes), "labels": torch.tensor(labels)}
        for boxes, labels in zip(BOXES, LABELS, strict=True)
    ]
    monkeypatch.setattr(theirs, "training", True)
    expected = theirs(images, targets)
    found = ours(batch, returns="loss")
    assert ours.normalizers(batch)["loss/cls"] > 20
    for name, other in (
        ("loss/cls", "classification"),
        ("loss/box", "bbox_regression"),
        ("loss/centerness", "bbox_ctrness"),
    ):
        torch.testing.assert_close(found[name], expected[other], rtol=1e-4, atol=0)


@torch.no_grad()
def test_detections_are_torchvisions(pair):
    """All of them, but for boxes without an area, which torchvision keeps and which suppress nothing."""
    theirs, ours, batch, images = pair
    for found, expected in zip(ours(batch), theirs(images), strict=True):
        sides = expected["boxes"][:, 2:] - expected["boxes"][:, :2]
        own = {name: values[(sides > 0).all(dim=1)] for name, values in expected.items()}
        assert ours.spec.test.max_detections > len(found) > 100
        assert_same_detections(found, **own)
