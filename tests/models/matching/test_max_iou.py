"""Matching against torchvision's Matcher, and mmdetection's rules by hand."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.models.detection._utils import Matcher, SSDMatcher

from specdet.models.matching.max_iou import MaxIoUAssigner
from specdet.models.matching.spec import MaxIoUAssignerSpec
from specdet.spec import SpecError


def assign(iou: torch.Tensor, *, valid=None, candidates=None, **fields) -> torch.Tensor:
    valid = torch.ones(iou.shape[:2], dtype=torch.bool) if valid is None else valid
    return MaxIoUAssigner(MaxIoUAssignerSpec(**fields))(iou.clone(), valid=valid, candidates=candidates)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31), slots=st.integers(1, 6), low_quality=st.booleans(), steps=st.sampled_from([8, 10**6])
)
def test_torchvisions_conventions_give_torchvisions_matches(seed, slots, low_quality, steps):
    # Few steps make many ties.
    iou = torch.rand(2, slots, 40, generator=torch.Generator().manual_seed(seed)).mul(steps).ceil() / steps
    found = assign(iou, min_pos_iou=0.0, low_quality="best_kept", match_low_quality=low_quality)
    for image in range(2):
        assert torch.equal(found[image], Matcher(0.7, 0.3, allow_low_quality_matches=low_quality)(iou[image]))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**31), slots=st.integers(1, 6), steps=st.sampled_from([8, 10**6]))
def test_the_first_best_anchor_of_each_object_is_torchvisions_ssd(seed, slots, steps):
    iou = torch.rand(2, slots, 40, generator=torch.Generator().manual_seed(seed)).mul(steps).ceil() / steps
    found = assign(iou, pos_iou=0.5, neg_iou=0.5, min_pos_iou=0.0, low_quality="first")
    for image in range(2):
        assert torch.equal(found[image], SSDMatcher(0.5)(iou[image]))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**31), used=st.integers(1, 4))
def test_padding_and_candidates_are_as_if_the_others_were_not_there(seed, used):
    generator = torch.Generator().manual_seed(seed)
    iou = torch.rand(1, 5, 40, generator=generator)
    valid = (torch.arange(5) < used)[None]
    candidates = torch.rand(1, 40, generator=generator) < 0.7
    candidates[0, 0] = True
    found = assign(iou, valid=valid, candidates=candidates)
    alone = assign(iou[:, :used, candidates[0]])
    assert torch.equal(found[:, candidates[0]], alone)
    assert (found[~candidates] == -2).all()


def test_ties_go_to_the_later_ground_truth_in_mmdetection():
    iou = torch.tensor([[[0.5, 0.5, 0.2, 0.0], [0.1, 0.4, 0.4, 0.0], [0.0, 0.0, 0.25, 0.1]]])
    # The best of slot 0 are anchors 0 and 1, of slot 1 anchors 1 and 2; slot 2 stays below min_pos_iou.
    assert assign(iou).tolist() == [[0, 1, 1, -1]]
    assert assign(iou, low_quality="best_kept").tolist() == [[0, 0, 1, -1]]
    assert assign(iou, low_quality="first").tolist() == [[0, 1, -2, -1]]
    assert assign(iou, match_low_quality=False).tolist() == [[-2, -2, -2, -1]]


def test_thresholds_belong_to_the_better_side():
    iou = torch.tensor([[[0.7, 0.6999, 0.3, 0.2999]]])
    assert assign(iou).tolist() == [[0, -2, -2, -1]]


def test_an_object_that_no_anchor_touches_takes_none():
    iou = torch.tensor([[[0.0, 0.0], [0.0, 0.8]]])
    for convention in ("tied", "best_kept", "first"):
        assert assign(iou, min_pos_iou=0.0, low_quality=convention).tolist() == [[-1, 1]]


def test_without_ground_truth_all_are_negative():
    assert assign(torch.rand(1, 2, 5), valid=torch.zeros(1, 2, dtype=torch.bool)).tolist() == [[-1] * 5]


def test_thresholds_must_not_cross():
    with pytest.raises(SpecError, match="neg_iou: must be at most pos_iou"):
        MaxIoUAssignerSpec(pos_iou=0.4, neg_iou=0.5)
