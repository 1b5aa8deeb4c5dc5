"""Dense detectors small enough for a test."""

from typing import Any

import attrs
import torch

from specdet.models.detectors.build import build_detector
from specdet.models.detectors.single_stage import SingleStageDetector
from specdet.spec.merge import merge
from specdet.structures import Batch
from tests.models.batches import make_batch

SIZES = [(90, 120), (130, 70)]
BOXES = [[[10.0, 12, 50, 60], [60, 30, 100, 80], [5, 40, 30, 84]], [[20.0, 20, 52, 90]]]
LABELS = [[0, 2, 1], [2]]
NEWER_FCOS: dict[str, Any] = {
    "bbox_head": {
        "conv_bias": True,
        "scale_per_level": False,
        "distance": "relu",
        "centerness_on": "reg",
        "loss_box": {"type": "GIoU"},
    },
    "train": {"assigner": {"center_radius": 1.5}, "box_weight": "one"},
    "test": {"score": "root"},
}


def small_dense_table(kind: str, **changes: Any) -> dict[str, Any]:
    """The table of a detector of `kind` with few channels and three levels; keys given are merged into it."""
    table = {
        "type": kind,
        "num_classes": 3,
        "backbone": {"type": "ResNet", "depth": 18, "base_channels": 16, "out_stages": [2, 3]},
        "neck": {"type": "FPN", "out_channels": 16, "extra_levels": 1, "extra_from": "input"},
        "bbox_head": {"feat_channels": 16, "num_convs": 1},
    }
    return merge(table, changes)


def small_ssd_table(**changes: Any) -> dict[str, Any]:
    """The table of an SSDLite of few channels and four levels; keys given are merged into it."""
    table = {
        "type": "SSD",
        "num_classes": 3,
        "backbone": {"type": "MobileNetV3", "size": "small", "width": 0.25, "out_stages": [3, 4]},
        "neck": {
            "type": "SSDExtra",
            "channels": [16, 16],
            "conv_strides": [2, 2],
            "paddings": [1, 1],
            "depthwise": True,
            "norm": "BN",
        },
        "bbox_head": {
            "depthwise": True,
            "anchors": {"ratios": [[2.0], [2.0, 3.0], [2.0], [2.0]], "min_scale": 0.2, "max_scale": 0.9},
        },
    }
    return merge(table, changes)


def small_dense(kind: str, **changes: Any) -> SingleStageDetector:
    """The detector of `small_dense_table`, always with the same weights."""
    torch.manual_seed(0)
    model = build_detector(small_dense_table(kind, **changes))
    assert isinstance(model, SingleStageDetector)
    return model


def labelled_batch(boxes: list[list[list[float]]] = BOXES, labels: list[list[int]] = LABELS) -> Batch:
    """Two images with these boxes of these classes; labels without a box are left out."""
    batch = make_batch(SIZES, boxes)
    assert batch.targets is not None
    padded = batch.targets.labels.clone()
    for own, own_boxes, known in zip(padded, boxes, labels, strict=True):
        own[: len(own_boxes)] = torch.tensor(known[: len(own_boxes)], dtype=torch.int64)
    return attrs.evolve(batch, targets=attrs.evolve(batch.targets, labels=padded))


def halves(batch: Batch) -> list[Batch]:
    """The two images of a batch, each in a batch of its own, padded as before."""
    assert batch.targets is not None
    parts = []
    for image in (slice(0, 1), slice(1, 2)):
        names = ("images", "sizes", "original_sizes", "image_ids", "keys")
        own = {name: getattr(batch, name)[image] for name in names}
        targets = {name: getattr(batch.targets, name)[image] for name in ("boxes", "labels", "crowd")}
        parts.append(attrs.evolve(batch, **own, targets=attrs.evolve(batch.targets, **targets)))
    return parts
