"""Losses against torch's and torchvision's."""

import math

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
    ("DIoU", {}, lambda a, b: ops.distance_box_iou_loss(a, b, reduction="none")),
    ("CIoU", {}, lambda a, b: ops.complete_box_iou_loss(a, b, reduction="none")),
])  # fmt: skip
def test_box_losses_give_one_number_a_box(tag, fields, reference):
    first, second = pairs()
    found = loss_of(tag, weight=2.0, **fields)(first, second)
    expected = torch.stack([reference(a, b) for a, b in zip(first, second, strict=True)])
    assert found.shape == (2, 30)
    torch.testing.assert_close(found, 2 * expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("tag", ["IoU", "GIoU", "DIoU", "CIoU"])
def test_boxes_apart_or_empty_give_finite_losses_and_gradients(tag):
    boxes = torch.tensor([[0.0, 0.0, 1.0, 1.0], [3.0, 3.0, 3.0, 3.0]], requires_grad=True)
    targets = torch.tensor([[50.0, 50.0, 60.0, 60.0], [3.0, 3.0, 3.0, 3.0]])
    loss = loss_of(tag)(boxes, targets)
    loss.sum().backward()
    assert loss.isfinite().all() and boxes.grad.isfinite().all()


@pytest.mark.parametrize(("tag", "on"), [
    ("L1", "deltas"), ("SmoothL1", "deltas"),
    ("IoU", "boxes"), ("GIoU", "boxes"), ("DIoU", "boxes"), ("CIoU", "boxes"),
    ("BinaryCrossEntropy", "logits"), ("Focal", "logits"), ("QualityFocal", "qualities"),
])  # fmt: skip
def test_losses_say_what_they_compare(tag, on):
    assert loss_of(tag).on == on


@pytest.mark.parametrize(
    ("tag", "reference"), [("DIoU", ops.distance_box_iou_loss), ("CIoU", ops.complete_box_iou_loss)]
)
def test_box_losses_have_the_gradient_of_torchvisions(tag, reference):
    first, second = (each[0].requires_grad_() for each in pairs())
    found = torch.autograd.grad(loss_of(tag)(first, second).sum(), (first, second))
    expected = torch.autograd.grad(reference(first, second, reduction="sum"), (first, second))
    for own, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(own, theirs, rtol=1e-3, atol=1e-6)


def test_distance_and_complete_iou_by_hand():
    box, beside = torch.tensor([0.0, 0.0, 4.0, 2.0]), torch.tensor([4.0, 0.0, 6.0, 2.0])
    # The centres are 3 apart, the hull is 6 x 2: no overlap, 9 / 40 for the distance.
    assert loss_of("DIoU")(box, beside).item() == pytest.approx(1 + 9 / 40)
    shape = 4 / math.pi**2 * (math.atan(2) - math.atan(1)) ** 2
    assert loss_of("CIoU")(box, beside).item() == pytest.approx(1 + 9 / 40 + shape**2 / (1 + shape))
    assert loss_of("CIoU")(box, box).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(("alpha", "gamma"), [(0.25, 2.0), (0.9, 0.5), (0.5, 0.0)])
def test_focal_loss_and_its_gradient_are_torchvisions(alpha, gamma):
    torch.manual_seed(0)
    logits = (torch.randn(3, 40, 5) * 4).requires_grad_()
    targets = torch.rand(3, 40, 5) < 0.3
    found = loss_of("Focal", alpha=alpha, gamma=gamma, weight=2.0)(logits, targets)
    expected = 2 * ops.sigmoid_focal_loss(logits, targets.float(), alpha=alpha, gamma=gamma)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(loss_of("Focal", alpha=alpha, gamma=gamma, weight=2.0)(logits, targets.float()), found)
    gradients = [torch.autograd.grad(each.sum(), logits)[0] for each in (found, expected)]
    torch.testing.assert_close(*gradients, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_loss_is_finite_for_any_logit(gamma):
    logits = torch.tensor([-1e4, -50.0, 0.0, 50.0, 1e4]).requires_grad_()
    for targets in (torch.zeros(5), torch.ones(5)):
        loss = loss_of("Focal", gamma=gamma)(logits, targets)
        assert loss.isfinite().all() and torch.autograd.grad(loss.sum(), logits)[0].isfinite().all()


def test_quality_focal_loss_by_its_formula():
    torch.manual_seed(0)
    logits, targets = torch.randn(2, 30).double() * 3, torch.rand(2, 30).double() * (torch.rand(2, 30) < 0.5)
    p = logits.sigmoid()
    expected = (targets - p).abs() ** 1.5 * -(targets * p.log() + (1 - targets) * (1 - p).log())
    torch.testing.assert_close(loss_of("QualityFocal", beta=1.5, weight=3.0)(logits, targets), 3 * expected)
