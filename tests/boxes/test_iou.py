"""Overlaps against torchvision's, and their laws."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision import ops

from specdet.boxes.iou import elementwise_giou, elementwise_iou, pairwise_iou

coordinate = st.floats(0, 512, width=32)
box = st.tuples(coordinate, coordinate, st.floats(0.125, 256, width=32), st.floats(0.125, 256, width=32)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)
boxes = st.lists(box, min_size=1, max_size=8).map(torch.tensor)


@settings(max_examples=60, deadline=None)
@given(first=boxes, second=boxes)
def test_pairs_are_torchvisions_symmetric_and_between_0_and_1(first, second):
    iou = pairwise_iou(first, second)
    torch.testing.assert_close(iou, ops.box_iou(first, second), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(iou, pairwise_iou(second, first).T)
    assert iou.min() >= 0 and iou.max() <= 1 + 1e-6


@settings(max_examples=60, deadline=None)
@given(pairs=st.lists(st.tuples(box, box), min_size=1, max_size=8))
def test_boxes_side_by_side_are_the_diagonal_of_the_pairs(pairs):
    first, second = (torch.tensor(each) for each in zip(*pairs, strict=True))
    torch.testing.assert_close(elementwise_iou(first, second), ops.box_iou(first, second).diag(), rtol=1e-4, atol=1e-5)
    expected = ops.generalized_box_iou(first, second).diag()
    torch.testing.assert_close(elementwise_giou(first, second), expected, rtol=1e-4, atol=1e-5)


def test_a_batch_shares_its_second_boxes():
    first, second = torch.rand(3, 5, 4).cumsum(-1), torch.rand(7, 4).cumsum(-1)
    expected = torch.stack([ops.box_iou(each, second) for each in first])
    torch.testing.assert_close(pairwise_iou(first, second), expected)


def test_empty_boxes_overlap_nothing_not_even_themselves():
    empty = torch.zeros(1, 4)
    assert pairwise_iou(empty, empty).item() == 0
    assert elementwise_iou(empty, empty).item() == 0


def test_both_are_differentiable():
    predicted = torch.tensor([[1.0, 1.0, 5.0, 5.0]], requires_grad=True)
    target = torch.tensor([[2.0, 2.0, 6.0, 6.0]])
    for function, reference in ((elementwise_iou, ops.box_iou), (elementwise_giou, ops.generalized_box_iou)):
        (grad,) = torch.autograd.grad(function(predicted, target).sum(), predicted)
        (expected,) = torch.autograd.grad(reference(predicted, target).sum(), predicted)
        torch.testing.assert_close(grad, expected)
