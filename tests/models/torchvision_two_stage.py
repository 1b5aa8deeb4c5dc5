"""torchvision's two-stage detectors beside ours: names of weights, conventions, and the same sample for both."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import torch
from torch import Tensor
from torchvision.models.detection import fasterrcnn_resnet50_fpn, fasterrcnn_resnet50_fpn_v2

from specdet.models.roi_heads.sample import RoISample
from specdet.models.samples import Samples
from specdet.spec.merge import merge
from specdet.structures import Batch
from tests.models.batches import make_batch
from tests.models.torchvision_weights import TorchvisionRPN, give_random_weights, rpn_table

NUM_CLASSES = 4
TRAIN_PROPOSALS, TEST_PROPOSALS, SAMPLED = 200, 100, 64  # so few that tests are quick
MAKERS: dict[int, Callable[..., Any]] = {1: fasterrcnn_resnet50_fpn, 2: fasterrcnn_resnet50_fpn_v2}

# torchvision's names of layers that RPN has not, or that its second version calls otherwise, and ours.
SHARED = (
    (r"backbone\.body\.(.+)", r"backbone.\1"),
    (r"rpn\.head\.cls_logits\.(.+)", r"rpn_head.rpn_cls.\1"),
    (r"rpn\.head\.bbox_pred\.(.+)", r"rpn_head.rpn_reg.\1"),
    (r"roi_heads\.box_predictor\.cls_score\.(.+)", r"roi_head.bbox_head.fc_cls.\1"),
    (r"roi_heads\.box_predictor\.bbox_pred\.(.+)", r"roi_head.bbox_head.fc_reg.\1"),
)
OF_VERSION = {
    1: (
        (r"backbone\.fpn\.inner_blocks\.(\d+)\.0\.(.+)", r"neck.lateral_convs.\1.\2"),
        (r"backbone\.fpn\.layer_blocks\.(\d+)\.0\.(.+)", r"neck.fpn_convs.\1.\2"),
        (r"rpn\.head\.conv\.0\.0\.(.+)", r"rpn_head.rpn_conv.\1"),
        (r"roi_heads\.box_head\.fc6\.(.+)", r"roi_head.bbox_head.shared_fcs.0.\1"),
        (r"roi_heads\.box_head\.fc7\.(.+)", r"roi_head.bbox_head.shared_fcs.1.\1"),
    ),
    2: (
        (r"backbone\.fpn\.inner_blocks\.(.+)", r"neck.lateral_convs.\1"),
        (r"backbone\.fpn\.layer_blocks\.(.+)", r"neck.fpn_convs.\1"),
        (r"rpn\.head\.conv\.(\d)\.0\.(.+)", r"rpn_head.rpn_conv.\1.\2"),
        (r"roi_heads\.box_head\.5\.(.+)", r"roi_head.bbox_head.shared_fcs.0.\1"),
        (r"roi_heads\.box_head\.(\d)\.(.+)", r"roi_head.bbox_head.shared_convs.\1.\2"),
    ),
}


def two_stage_weights(
    state: Mapping[str, Tensor], version: int, *, more: tuple[tuple[str, str], ...] = ()
) -> dict[str, Tensor]:
    """torchvision's weights under our names, background last.

    Args:
        state: Of a detector with a ResNet and an FPN.
        version: 1, or 2 where norms follow convolutions.
        more: Patterns of further names, with ours.
    """
    patterns = (*SHARED, *OF_VERSION[version], *more)
    renamed = {}
    for name, value in state.items():
        found = [re.sub(old, new, name) for old, new in patterns if re.fullmatch(old, name)]
        assert found, name
        if "cls_score" in name:
            value = value.roll(-1, dims=0)
        if "roi_heads.box_predictor.bbox_pred" in name:
            value = value[4:]
        renamed[found[0]] = value
    return renamed


def two_stage_table(version: int, **changes: Any) -> dict[str, Any]:
    """Faster R-CNN with torchvision's conventions; tables given are merged into it."""
    rpn = rpn_table(50, norm="BN")
    table = {
        "type": "FasterRCNN",
        "num_classes": NUM_CLASSES,
        "backbone": rpn["backbone"],
        "neck": {**rpn["neck"], "norm": "none" if version == 1 else "BN"},
        "rpn_head": {**rpn["rpn_head"], "num_convs": version},
        "roi_head": {
            "bbox_roi_extractor": {"level_rule": "torchvision", "sampling_ratio": 2, "aligned": False},
            "bbox_head": {
                **({} if version == 1 else {"num_convs": 4, "num_fcs": 1, "norm": "BN"}),
                "coder": {"clamp": "max"},
                "loss_box": {"type": "SmoothL1", "beta": 1 / 9},
            },
        },
        "train": {
            "rpn": rpn["train"],
            "proposals": {"nms_post": TRAIN_PROPOSALS, "min_size": 1e-3},
            "roi": {"sampler": {"num": SAMPLED}},
        },
        "test": {"rpn": {**rpn["test"], "nms_post": TEST_PROPOSALS}, "roi": {"min_size": 1e-2}},
    }
    return merge(table, changes)


def random_two_stage(make: Callable[..., Any], *, seed: int, **settings: Any) -> Any:
    """torchvision's detector, in evaluation mode, with weights for which no layer is trivial and no two scores tie."""
    theirs = make(
        weights=None,
        weights_backbone=None,
        num_classes=NUM_CLASSES + 1,
        rpn_post_nms_top_n_train=TRAIN_PROPOSALS,
        rpn_post_nms_top_n_test=TEST_PROPOSALS,
        box_batch_size_per_image=SAMPLED,
        **settings,
    )
    theirs.transform = TorchvisionRPN(18).transform
    give_random_weights(theirs, seed=seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, std in (("cls_score", 0.08), ("bbox_pred", 0.02)):
            weight = theirs.roi_heads.box_predictor.get_submodule(name).weight
            weight.copy_(torch.randn(weight.shape, generator=generator) * std)
    theirs.eval()
    theirs.transform.train()  # in evaluation it resizes whatever it is told
    return theirs


def labelled_batch(sizes: list[tuple[int, int]], boxes: list[list[list[float]]], labels: list[list[int]]) -> Batch:
    """A batch whose boxes have these classes."""
    batch = make_batch(sizes, boxes)
    assert batch.targets is not None
    padded = batch.targets.labels.clone()
    for own, known in zip(padded, labels, strict=True):
        own[: len(known)] = torch.tensor(known)
    return attrs.evolve(batch, targets=attrs.evolve(batch.targets, labels=padded))


def as_torchvision(batch: Batch) -> tuple[list[Tensor], list[dict[str, Tensor]]]:
    """Images in 0..1 without padding, and targets without unused slots, classes counted from 1."""
    assert batch.targets is not None
    images = [image[:, :h, :w] / 255 for image, (h, w) in zip(batch.images, batch.sizes.tolist(), strict=True)]
    own = zip(batch.targets.boxes, batch.targets.labels, batch.targets.valid, strict=True)
    return images, [{"boxes": boxes[valid], "labels": labels[valid] + 1} for boxes, labels, valid in own]


class SameRPNSample:
    """Draws with a sampler of ours, and gives torchvision's RPN the same anchors: they stand in one order in both."""

    def __init__(self, sampler: Any):
        self.sampler, self.spec = sampler, sampler.spec
        self.samples: Samples | None = None

    def __call__(self, matched: Any, *, keys: Tensor | None = None, ids: Tensor | None = None) -> Any:
        if keys is not None:
            self.matched, self.samples = matched, self.sampler(matched, keys=keys, ids=ids)
            return self.samples
        assert self.samples is not None, "ours draws first"
        # 1, 0, -1 of theirs are positive, negative and ignored; ours are a slot, -1 and -2.
        assert torch.equal(self.matched.clamp(max=0) + 1, torch.stack(matched).long())
        pos = (self.samples.pos, self.samples.pos_used)
        neg = (self.samples.neg, self.samples.neg_used)
        return tuple(
            [masked(len(labels), index[used]) for labels, index, used in zip(matched, *pair, strict=True)]
            for pair in (pos, neg)
        )


class SameRoISample:
    """Gives torchvision's head on proposals the boxes that ours has drawn: boxes are looked for by where they are."""

    def __init__(self, theirs: Any, *, tolerance: float):
        self.add, self.tolerance = theirs.roi_heads.add_gt_proposals, tolerance

    def add_gt_proposals(self, proposals: list[Tensor], boxes: list[Tensor]) -> list[Tensor]:
        """In the place of torchvision's own."""
        self.proposals = self.add(proposals, boxes)
        return self.proposals

    def of(self, sample: RoISample) -> Callable[[list[Tensor]], Any]:
        """What stands in the place of torchvision's `fg_bg_sampler`."""

        def draw(labels: list[Tensor]) -> Any:
            chosen: tuple[list[Tensor], list[Tensor]] = ([], [])
            for image, (own, known) in enumerate(zip(self.proposals, labels, strict=True)):
                for kind, masks in zip((sample.positive, sample.used & ~sample.positive), chosen, strict=True):
                    apart, index = torch.cdist(sample.boxes[image][kind[image]], own, p=torch.inf).min(dim=1)
                    assert len(index) == 0 or apart.max() < self.tolerance
                    assert len(index.unique()) == len(index)
                    expected = (sample.labels[image][kind[image]] + 1) % (NUM_CLASSES + 1)
                    assert torch.equal(known[index], expected)
                    masks.append(masked(len(own), index))
            return chosen

        return draw


def masked(count: int, index: Tensor) -> Tensor:
    """(count,) uint8: 1 at these places."""
    return torch.zeros(count, dtype=torch.uint8).index_fill(0, index, 1)
