"""Every detector trains on odd images and finds something in them that can be believed, in bfloat16 too."""

from contextlib import nullcontext
from typing import Any

import attrs
import pytest
import torch
from torch import Tensor, nn

from specdet.models.detectors.base import Detector
from specdet.structures import Batch
from tests.models.batches import make_batch
from tests.models.detectors.every import EVERY, small_detector
from tests.models.mask_rcnn import with_masks

CROWD = "only a crowd"
CASES: dict[str, tuple[list[tuple[int, int]], list[list[list[float]]]]] = {
    "an image without a box beside one with": ([(60, 90), (64, 64)], [[], [[4.0, 8, 40, 50]]]),
    "only images without a box": ([(60, 90), (64, 64)], [[], []]),
    "500 boxes": ([(64, 96)], [[[i % 80, i % 50, i % 80 + 3.0 + i % 13, i % 50 + 2.0 + i % 11] for i in range(500)]]),
    "a box of one pixel": ([(64, 64)], [[[33.0, 20, 34, 21]]]),
    "an image of 16 x 4000 px": ([(16, 4000)], [[[100.0, 2, 3000, 14], [3500, 0, 3516, 16]]]),
    "one image": ([(64, 64)], [[[4.0, 8, 40, 50], [30, 20, 60, 64]]]),
    CROWD: ([(64, 64)], [[[4.0, 8, 40, 50]]]),
    "boxes without an area beside one with": ([(64, 64)], [[[10.0, 10, 10, 40], [5, 5, 20, 5], [4, 8, 40, 50]]]),
    "boxes beyond the image": ([(64, 64)], [[[-10.0, -10, 30, 30], [50, 50, 90, 90], [70, 70, 90, 90]]]),
    "boxes at the border": ([(60, 90)], [[[0.0, 0, 20, 60], [70, 30, 90, 60], [0, 0, 90, 60]]]),
}
EMPTY = ("only images without a box", CROWD)


def odd_batch(case: str) -> Batch:
    """With masks, and with proposals: boxes all over the images, and an unused slot."""
    batch = make_batch(*CASES[case])
    assert batch.targets is not None
    if case == CROWD:
        batch = attrs.evolve(batch, targets=attrs.evolve(batch.targets, crowd=batch.targets.labels >= 0))
    corners = torch.rand(len(batch), 30, 2, 2, generator=torch.Generator().manual_seed(0))
    proposals = (corners.sort(dim=2).values * batch.sizes.flip(-1)[:, None, None]).flatten(2)
    proposals[:, -1:] = 0
    return with_masks(attrs.evolve(batch, proposals=proposals))


def assert_finds_what_can_be(model: Detector, batch: Batch) -> None:
    with torch.no_grad():
        results = model.eval()(batch)
    assert len(results) == len(batch)
    test: Any = model.spec.test
    settings = getattr(test, "roi", test)
    most = getattr(settings, "max_detections", None) or settings.nms_post
    for found, (height, width) in zip(results, batch.original_sizes.tolist(), strict=True):
        assert 0 < len(found) <= most
        assert found.boxes.dtype == found.scores.dtype == torch.float32
        assert found.boxes.isfinite().all() and (found.boxes >= 0).all()
        assert (found.boxes <= torch.tensor([width, height, width, height])).all()
        assert (found.boxes[:, 2:] > found.boxes[:, :2]).all()
        assert (found.scores.diff() <= 0).all() and (found.scores >= 0).all() and (found.scores <= 1).all()
        assert (found.labels >= 0).all() and (found.labels < (getattr(model.spec, "num_classes", None) or 1)).all()
        if model.spec.gives_masks:
            assert found.masks is not None and found.masks.shape == (len(found), height, width)


def scored(module: nn.Module) -> dict[str, Tensor]:
    """Gradients of the biases of the layers that tell classes."""
    layers = ("rpn_cls", "fc_cls", "retina_cls", "atss_cls", "conv_cls")
    found = {name: each.grad for name, each in module.named_parameters() if name.endswith(".bias")}
    return {name: grad for name, grad in found.items() if name.split(".")[-2] in layers and grad is not None}


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", EVERY)
def test_odd_images_train_and_are_detected_in(name: str, case: str, precision: str):
    low = {} if name == "RPN" else {"min_score": 0.0}
    model, batch = small_detector(name, **low).train(), odd_batch(case)
    with torch.autocast("cpu", dtype=torch.bfloat16) if precision == "bfloat16" else nullcontext():
        losses = model(batch)
        sum(losses.values()).backward()
        assert_finds_what_can_be(model, batch)
    assert all(each.dtype == torch.float32 and each.isfinite() and each >= 0 for each in losses.values())
    trained = {key: each.grad for key, each in model.named_parameters() if each.requires_grad}
    assert all(grad is not None and grad.isfinite().all() for grad in trained.values())
    if case in EMPTY:
        assert_only_background_is_learnt(model, losses)


def assert_only_background_is_learnt(model: Detector, losses: dict[str, Tensor]) -> None:
    """Each class scores less and background more; SSD, which takes negatives only for positives, learns nothing."""
    silent = model.spec.__class__.__name__ == "SSDSpec"
    assert all((each > 0) == (name.endswith("cls") and not silent) for name, each in losses.items())
    if silent:
        return
    grads = scored(model)
    assert grads
    for name, grad in grads.items():
        with_background = name.endswith("fc_cls.bias")
        assert (grad[:-1] > 0).all() and grad[-1] < 0 if with_background else (grad > 0).all()
