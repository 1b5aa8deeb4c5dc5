"""Losses against torch's and torchvision's."""

import pytest
import torch
from torch.nn import functional
from torchvision import ops

from specdet.registry import Registry


def loss_of(tag: str, **fields):
    return Registry("loss").get(tag)(**fields).build()


def pairs() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    corner = torch.rand(2, 30, 2) * 20
    return tuple(torch.cat((corner, corner + 5 + torch.rand(2, 30, 2) * 30), dim=-1) for _ in range(2))


def test_binary_cross_entropy():
    logits, targets = torch.randn(2, 9) * 5, torch.randint(0, 2, (2, 9)).float()
    expected = functional.binary_cross_entropy(logits.sigmoid(), targets, reduction="none")
    found = loss_of("BinaryCrossEntropy", weight=3.0)(logits, targets)
    torch.testing.assert_close(found, 3 * expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("tag", "fields", "reference"), [
    ("L1", {}, lambda a, b: functional.l1_loss(a, b, reduction="none").sum(-1)),
    ("SmoothL1", {"beta": 0.11}, lambda a, b: functional.smooth_l1_loss(a, b, beta=0.11, reduction="none").sum(-1)),
    ("IoU", {"mode": "linear"}, lambda a, b: 1 - ops.box_iou(a, b).diagonal(dim1=-2, dim2=-1)),
    ("IoU", {"mode": "log"}, lambda a, b: -ops.box_iou(a, b).diagonal(dim1=-2, dim2=-1).log()),
    ("IoU", {"mode": "square"}, lambda a, b: 1 - ops.box_iou(a, b).diagonal(dim1=-2, dim2=-1).square()),
    ("GIoU", {}, lambda a, b: ops.generalized_box_iou_loss(a, b, reduction="none")),
])  # fmt: skip
def test_box_losses_give_one_number_a_box(tag, fields, reference):
    first, second = pairs()
    found = loss_of(tag, weight=2.0, **fields)(first, second)
    expected = torch.stack([reference(a, b) for a, b in zip(first, second, strict=True)])
    assert found.shape == (2, 30)
    torch.testing.assert_close(found, 2 * expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("tag", ["IoU", "GIoU"])
def test_boxes_apart_or_empty_give_finite_losses_and_gradients(tag):
    boxes = torch.tensor([[0.0, 0.0, 1.0, 1.0], [3.0, 3.0, 3.0, 3.0]], requires_grad=True)
    targets = torch.tensor([[50.0, 50.0, 60.0, 60.0], [3.0, 3.0, 3.0, 3.0]])
    loss = loss_of(tag)(boxes, targets)
    loss.sum().backward()
    assert loss.isfinite().all() and boxes.grad.isfinite().all()


@pytest.mark.parametrize(("tag", "on"), [("L1", "deltas"), ("SmoothL1", "deltas"), ("IoU", "boxes"), ("GIoU", "boxes")])
def test_losses_say_what_they_compare(tag, on):
    assert loss_of(tag).on == on
