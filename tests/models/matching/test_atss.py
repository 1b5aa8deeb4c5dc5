"""ATSS against the paper's algorithm, written as loops (Zhang et al. 2019, arXiv:1912.02424, algorithm 1)."""

import statistics

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.ops import box_iou

from specdet.boxes.anchors import AnchorGenerator, Anchors
from specdet.boxes.spec import AnchorGeneratorSpec
from specdet.models.matching.atss import ATSSAssigner
from specdet.models.matching.spec import ATSSAssignerSpec

SIZE = (96, 128)


def anchors_of(size: tuple[int, int], *, strides=(8, 16, 32), scale: float = 4.0) -> Anchors:
    generator = AnchorGenerator(AnchorGeneratorSpec(scales=(scale,), ratios=(1.0,)), strides=strides)
    return generator(generator.feature_sizes(size), image_size=size, device=torch.device("cpu"))


def random_boxes(count: int, seed: int, *, whole: bool = False, size: tuple[int, int] = SIZE) -> torch.Tensor:
    """(1, count, 4); whole numbers make many anchors equally near."""
    generator = torch.Generator().manual_seed(seed)
    corner = torch.rand(count, 2, generator=generator) * torch.tensor([size[1] - 20.0, size[0] - 20.0])
    boxes = torch.cat((corner, corner + 1 + torch.rand(count, 2, generator=generator) ** 2 * 70), dim=1)[None]
    return boxes.round() if whole else boxes


def assign(anchors: Anchors, boxes: torch.Tensor, *, valid=None, candidates=None, per_level: int = 9) -> torch.Tensor:
    valid = torch.ones(boxes.shape[:2], dtype=torch.bool) if valid is None else valid
    assigner = ATSSAssigner(ATSSAssignerSpec(per_level=per_level))
    return assigner.match(anchors, boxes=boxes, valid=valid, candidates=candidates)


def by_the_paper(anchors: Anchors, boxes: torch.Tensor, *, per_level: int, candidates: list[bool]) -> list[int]:
    """One image, one object after the other; equal distances go by the anchor's place."""
    centers = ((anchors.boxes[:, :2] + anchors.boxes[:, 2:]) / 2).tolist()
    iou = box_iou(boxes, anchors.boxes).tolist()
    matched, matched_iou = [-1] * len(centers), [0.0] * len(centers)
    for slot, (x1, y1, x2, y2) in enumerate(boxes.tolist()):
        middle = torch.tensor([(x1 + x2) / 2, (y1 + y2) / 2])
        distance = (torch.tensor(centers) - middle).square().sum(1).tolist()
        near, first = [], 0
        for count in anchors.counts:
            level = [index for index in range(first, first + count) if candidates[index]]
            near += sorted(level, key=lambda index: (distance[index], index))[:per_level]
            first += count
        if not near:
            continue
        overlaps = [iou[slot][index] for index in near]
        deviation = statistics.stdev(overlaps) if len(overlaps) > 1 else 0.0
        threshold = statistics.fmean(overlaps) + deviation
        for index, overlap in zip(near, overlaps, strict=True):
            x, y = centers[index]
            inside = min(x - x1, y - y1, x2 - x, y2 - y) > 0.01
            if abs(overlap - threshold) < 1e-6:
                matched[index] = -9  # too close to tell in float32
            elif overlap > threshold and inside and matched[index] != -9 and overlap > matched_iou[index]:
                matched[index], matched_iou[index] = slot, overlap
    return matched


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**31),
    count=st.integers(1, 6),
    per_level=st.sampled_from([1, 3, 9, 500]),
    whole=st.booleans(),
    share=st.sampled_from([0.0, 0.02, 0.6, 1.0]),
)
def test_it_is_the_algorithm_of_the_paper(seed, count, per_level, whole, share):
    anchors, boxes = anchors_of(SIZE), random_boxes(count, seed, whole=whole)
    candidates = torch.rand(1, len(anchors.boxes), generator=torch.Generator().manual_seed(seed)) < share
    found = assign(anchors, boxes, per_level=per_level, candidates=candidates)[0]
    expected = torch.tensor(by_the_paper(anchors, boxes[0], per_level=per_level, candidates=candidates[0].tolist()))
    sure = expected != -9
    assert torch.equal(found[sure], torch.where(candidates[0], expected, -2)[sure])


@settings(max_examples=20)
@given(seed=st.integers(0, 2**31), used=st.integers(1, 4))
def test_unused_slots_and_other_images_change_nothing(seed, used):
    anchors, boxes = anchors_of(SIZE), random_boxes(5, seed, whole=True)
    boxes = torch.cat((boxes, boxes.flip(1)))
    valid = torch.stack((torch.arange(5) < used, torch.arange(5) < 5))
    found = assign(anchors, boxes, valid=valid)
    assert torch.equal(found[:1], assign(anchors, boxes[:1, :used]))
    assert torch.equal(found[1:], assign(anchors, boxes[1:]))


@settings(max_examples=20)
@given(seed=st.integers(0, 2**31))
def test_padding_that_takes_no_part_changes_nothing(seed):
    """Anchors of an image go to the same objects whatever it is padded to, equal distances included."""
    small, large = anchors_of((64, 96)), anchors_of((160, 224))
    boxes = random_boxes(4, seed, whole=True, size=(64, 96))
    alone = assign(small, boxes)[0]
    among = assign(large, boxes, candidates=large.within(torch.tensor([[64, 96]])))[0]
    known = dict(zip(large.ids.tolist(), among.tolist(), strict=True))
    assert [known[each] for each in small.ids.tolist()] == alone.tolist()
    assert (among >= 0).sum() == (alone >= 0).sum()


def test_a_hand_made_case():
    """One level of four anchors of 32 px, 8 px apart in a row; the object is the second one, of 32 x 32."""
    anchors = anchors_of((8, 32), strides=(8,))
    box = anchors.boxes[1][None, None] + 0.0
    overlaps = box_iou(box[0], anchors.boxes)[0]
    assert overlaps.tolist() == pytest.approx([0.6, 1, 0.6, 1 / 3])
    threshold = overlaps.mean() + overlaps.std()
    assert 0.6 < threshold < 1
    assert assign(anchors, box).tolist() == [[-1, 0, -1, -1]]
    assert assign(anchors, box, per_level=1).tolist() == [[-1, 0, -1, -1]]


def test_an_anchor_of_two_objects_goes_to_the_one_that_it_overlaps_more():
    anchors = anchors_of((32, 32), strides=(8,))
    exact = anchors.boxes[5]
    shifted = exact + 1.0
    assert assign(anchors, torch.stack((exact, shifted))[None])[0, 5] == 0
    assert assign(anchors, torch.stack((shifted, exact))[None])[0, 5] == 1


def test_without_objects_all_are_negative_and_one_far_away_takes_none():
    anchors = anchors_of((64, 64))
    nothing = torch.zeros(1, 2, dtype=torch.bool)
    assert (assign(anchors, torch.zeros(1, 2, 4), valid=nothing) == -1).all()
    assert (assign(anchors, torch.tensor([[[500.0, 500, 520, 520]]])) == -1).all()
    assert (assign(anchors, torch.tensor([[[3.0, 3, 4, 4]]])) <= 0).all()  # one pixel between the centres of anchors
