"""Our SSD and SSDLite with torchvision's conventions and weights give torchvision's numbers."""

import re
from collections.abc import Callable

import attrs
import pytest
import torch
from torch import Tensor, nn
from torchvision.models.detection import ssd300_vgg16, ssdlite320_mobilenet_v3_large

from specdet.models.detectors.build import build_detector
from specdet.structures import Batch
from tests.models.batches import make_batch
from tests.models.same_detections import assert_same_detections
from tests.models.torchvision_weights import give_random_weights

CLASSES = 4  # without background
SSD300 = {
    "type": "SSD",
    "num_classes": CLASSES,
    "preprocess": {"mean": [0.48235 * 255, 0.45882 * 255, 0.40784 * 255], "std": [1.0, 1.0, 1.0]},
    "backbone": {"type": "VGG"},
    "neck": {"type": "SSDExtra", "l2_norm_scale": 20.0},
    "bbox_head": {
        "anchors": {
            "scales": [0.07, 0.15, 0.33, 0.51, 0.69, 0.87, 1.05],
            "steps": [8.0, 16.0, 32.0, 64.0, 100.0, 300.0],
        },
        "coder": {"clamp": "max"},
    },
    "train": {"average": "positives"},
    "test": {"max_detections": 10_000},
}
SSDLITE = {
    "type": "SSD",
    "num_classes": CLASSES,
    "preprocess": {"mean": [127.5, 127.5, 127.5], "std": [127.5, 127.5, 127.5]},
    "backbone": {
        "type": "MobileNetV3",
        "reduced_tail": True,
        "out_stages": [4, 5],
        "features_of": "expansion",
        "norm_momentum": 0.03,
    },
    "neck": {
        "type": "SSDExtra",
        "channels": [512, 256, 256, 128],
        "conv_strides": [2, 2, 2, 2],
        "paddings": [1, 1, 1, 1],
        "depthwise": True,
        "norm": "BN",
        "norm_eps": 1e-3,
        "norm_momentum": 0.03,
        "activation": "ReLU6",
    },
    "bbox_head": {
        "depthwise": True,
        "norm_eps": 1e-3,
        "norm_momentum": 0.03,
        "anchors": {"ratios": [[2.0, 3.0]] * 6, "min_scale": 0.2, "max_scale": 0.95},
        "coder": {"clamp": "max"},
    },
    "train": {"average": "positives"},
    "test": {"min_score": 0.001, "nms_iou": 0.55, "max_detections": 10_000, "nms_pre": 300},
}
BOXES = [[10.0, 12, 80, 90], [60, 30, 250, 240], [5, 140, 60, 284], [200, 180, 290, 290]]
LABELS = [0, 2, 3, 1]


def vgg_name(name: str) -> str:
    if fc := re.fullmatch(r"backbone\.extra\.0\.7\.([13])\.(.+)", name):
        return f"backbone.features.{30 + int(fc[1])}.{fc[2]}"
    if conv := re.fullmatch(r"backbone\.extra\.0\.(\d+)\.(.+)", name):
        return f"backbone.features.{23 + int(conv[1])}.{conv[2]}"
    if extra := re.fullmatch(r"backbone\.extra\.(\d+)\.([02])\.(.+)", name):
        return f"neck.extra_layers.{int(extra[1]) - 1}.{int(extra[2]) // 2}.{extra[3]}"
    return "neck.l2_norm.weight" if name == "backbone.scale_weight" else name


def mobilenet_name(name: str) -> str:
    """torchvision cuts the block before the last stage in two, behind its first convolution."""
    if first := re.fullmatch(r"backbone\.features\.0\.(\d+)\.(.+)", name):
        return f"backbone.features.{first[1]}.{'block.0.' * (first[1] == '13')}{first[2]}"
    if cut := re.fullmatch(r"backbone\.features\.1\.0\.(\d+)\.(.+)", name):
        return f"backbone.features.13.block.{cut[1]}.{cut[2]}"
    if second := re.fullmatch(r"backbone\.features\.1\.(\d+)\.(.+)", name):
        return f"backbone.features.{13 + int(second[1])}.{second[2]}"
    return re.sub(r"backbone\.extra\.", "neck.extra_layers.", name)


def ours_of(state: dict[str, Tensor], name_of: Callable[[str], str]) -> dict[str, Tensor]:
    """torchvision's weights under our names, background after the classes."""
    renamed = {}
    for name, value in state.items():
        if head := re.fullmatch(r"head\.(classification|regression)_head\.module_list\.(\d+)\.(.+)", name):
            own = f"0.{head[3]}" if head[3] in ("weight", "bias") else head[3]
            last = own in ("0.weight", "0.bias", "1.weight", "1.bias")
            branch = {"classification": "cls", "regression": "reg"}[head[1]]
            if branch == "cls" and last:
                value = value.unflatten(0, (-1, CLASSES + 1)).roll(-1, dims=1).flatten(0, 1)
            renamed[f"bbox_head.{branch}_convs.{head[2]}.{own}"] = value
        else:
            renamed[name_of(name)] = value
    return renamed


@attrs.frozen(kw_only=True, eq=False)
class Pair:
    """Two detectors of the same weights, an image, and the features that each makes of it, which is done once."""

    theirs: nn.Module
    ours: nn.Module
    batch: Batch
    expected: list[Tensor]
    features: tuple[Tensor, ...]


@torch.no_grad()
def pair_of(theirs: nn.Module, table: dict, size: int, name_of: Callable[[str], str]) -> Pair:
    batch = make_batch([(size, size)], [BOXES], divisor=1)
    batch = attrs.evolve(batch, targets=attrs.evolve(batch.targets, labels=torch.tensor([LABELS])))
    give_random_weights(theirs, seed=7)
    norms = [module for module in theirs.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    images, _ = theirs.transform(as_torchvision(batch)[0])
    if norms:  # their statistics become those of the image, so that features differ from place to place
        theirs.backbone.train()(torch.cat((images.tensors, images.tensors.flip(3))))
    by_name = theirs.eval().backbone(images.tensors)
    for branch in (theirs.head.classification_head, theirs.head.regression_head):
        for module, feature in zip(branch.module_list, by_name.values(), strict=True):
            last = module if isinstance(module, nn.Conv2d) else module[-1]
            last.weight /= module(feature).std(dim=(2, 3), correction=0).mean().clamp(min=0.1)
            if branch is theirs.head.classification_head:
                last.bias.view(-1, CLASSES + 1)[:, 0] += 1.0  # background is likely, as it is once something is learnt
    ours = build_detector(table).eval()
    ours.load_state_dict(ours_of(theirs.state_dict(), name_of))
    theirs.backbone = Given(by_name)
    return Pair(
        theirs=theirs, ours=ours, batch=batch, expected=list(by_name.values()), features=tuple(ours.features(batch))
    )


class Given(nn.Module):
    """A backbone that has made its features already."""

    def __init__(self, features):
        super().__init__()
        self.given = features

    def forward(self, images: Tensor):
        return self.given


@pytest.fixture(scope="module", params=["ssd300", "ssdlite"])
def pair(request):
    options = {"weights": None, "weights_backbone": None, "num_classes": CLASSES + 1, "detections_per_img": 10_000}
    if request.param == "ssd300":
        with torch.device("meta"):  # VGG's classifier, which is thrown away, would take seconds to initialise
            theirs = ssd300_vgg16(**options)
        theirs.to_empty(device="cpu").backbone.scale_weight.data.fill_(20.0)
        return pair_of(theirs, SSD300, 300, vgg_name)
    return pair_of(ssdlite320_mobilenet_v3_large(**options), SSDLITE, 320, mobilenet_name)


def as_torchvision(batch: Batch) -> tuple[list[Tensor], list[dict[str, Tensor]]]:
    """An image in 0..1, and targets whose labels begin with 1."""
    return [batch.images[0] / 255], [{"boxes": torch.tensor(BOXES), "labels": torch.tensor(LABELS) + 1}]


def assert_close(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


@torch.no_grad()
def test_features_outputs_and_anchors_are_torchvisions(pair):
    assert len(pair.features) == len(pair.expected) == 6
    for mine, other in zip(pair.features, pair.expected, strict=True):
        assert_close(mine, other)
    size = (pair.batch.images.shape[2], pair.batch.images.shape[3])
    assert pair.ours.feature_sizes(size) == tuple((each.shape[2], each.shape[3]) for each in pair.expected)
    outputs, said = pair.ours.bbox_head(pair.features, image_size=size), pair.theirs.head(pair.expected)
    assert_close(outputs.logits, said["cls_logits"].roll(-1, dims=-1))
    assert_close(outputs.deltas, said["bbox_regression"])
    images, _ = pair.theirs.transform(as_torchvision(pair.batch)[0])
    anchors = pair.theirs.anchor_generator(images, pair.expected)[0]
    torch.testing.assert_close(outputs.anchors.boxes, anchors, rtol=1e-6, atol=1e-4)


@torch.no_grad()
def test_losses_are_torchvisions(pair, monkeypatch):
    monkeypatch.setattr(pair.theirs, "training", True)
    expected = pair.theirs(*as_torchvision(pair.batch))
    found = pair.ours.losses(pair.features, pair.batch)
    assert pair.ours.normalizers(pair.batch)["loss/cls"] > 10
    torch.testing.assert_close(found["loss/cls"], expected["classification"], rtol=1e-4, atol=0)
    torch.testing.assert_close(found["loss/box"], expected["bbox_regression"], rtol=1e-4, atol=0)


@torch.no_grad()
def test_detections_are_torchvisions(pair):
    """All of them, but for boxes without an area, which torchvision keeps and which suppress nothing."""
    expected = pair.theirs(as_torchvision(pair.batch)[0])[0]
    sides = expected["boxes"][:, 2:] - expected["boxes"][:, :2]
    own = {name: values[(sides > 0).all(dim=1)] for name, values in expected.items()}
    found = pair.ours.detections(pair.features, pair.batch)[0]
    assert pair.ours.spec.test.max_detections > len(found) > 100
    assert_same_detections(found, boxes=own["boxes"], scores=own["scores"], labels=own["labels"] - 1)
