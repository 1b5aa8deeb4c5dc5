"""The laws of the sample that heads on proposals are trained on."""

import attrs
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from specdet.models.detectors.two_stage_spec import MatchedRoITrainSpec
from specdet.models.roi_heads.sample import Proposals, RoISample, packed, sample_proposals
from specdet.models.samples import Samples
from specdet.structures import Targets
from tests.models.batches import make_targets

K = 5
TRUTH = [[10.0, 10, 50, 50], [60, 20, 90, 80]]


def draw(
    proposals: torch.Tensor, targets: Targets, *, valid: torch.Tensor | None = None, num: int = 8, keys=None, **fields
) -> RoISample:
    train = MatchedRoITrainSpec(sampler={"num": num, "pos_fraction": 0.25}, **fields)
    return sample_proposals(
        Proposals(boxes=proposals, valid=torch.ones(proposals.shape[:2]).bool() if valid is None else valid),
        targets,
        assigner=train.assigner.build(),
        sampler=train.sampler.build(),
        train=train,
        keys=torch.arange(len(proposals)) + 5 if keys is None else keys,
        num_classes=K,
    )


def near(box: list[float], count: int, *, by: float = 1.0) -> torch.Tensor:
    """(count, 4) boxes that overlap one by more than half."""
    return torch.tensor(box) + torch.arange(1, count + 1)[:, None] * by / count


def far(count: int) -> torch.Tensor:
    return torch.tensor([100.0, 100, 110, 112]) + torch.arange(count)[:, None]


def test_positives_come_first_with_their_truth_and_negatives_are_background():
    targets = attrs.evolve(make_targets([TRUTH]), labels=torch.tensor([[4, 2]]))
    proposals = torch.cat((near(TRUTH[1], 3), far(20)))[None]
    sample = draw(proposals, targets, num=16)
    assert sample.most_positives == 4
    assert sample.used.all() and sample.positive[0].tolist() == [True] * 4 + [False] * 12
    assert (sample.labels[0, 4:] == K).all() and torch.equal(sample.truth[0, 4:], sample.boxes[0, 4:])
    for place in range(4):
        slot = sample.slots[0, place]
        assert sample.labels[0, place] == targets.labels[0, slot]
        assert torch.equal(sample.truth[0, place], targets.boxes[0, slot])
        assert sample.is_truth[0, place] == torch.equal(sample.boxes[0, place], sample.truth[0, place])


def test_truth_is_sampled_too_if_wanted():
    targets = make_targets([TRUTH])
    with_truth, without = (draw(far(3)[None], targets, add_truth=add) for add in (True, False))
    assert with_truth.positive.sum() == with_truth.is_truth.sum() == 2
    assert torch.equal(with_truth.boxes[0, :2].sort(dim=0).values, torch.tensor(TRUTH))
    assert without.positive.sum() == without.is_truth.sum() == 0 and without.used.sum() == 3


def test_the_best_proposal_of_an_object_is_sought_among_proposals_alone():
    """As in mmdetection, where ground truth joins the proposals once these are matched."""
    targets = attrs.evolve(make_targets([[[0.0, 0, 40, 40], [0, 0, 40, 60]]]), labels=torch.tensor([[3, 1]]))
    proposals = torch.tensor([[[0.0, 0, 40, 47], *far(3).tolist()]])  # overlaps the first by 0.85, the second by 0.78
    fields = {"assigner": {"match_low_quality": True, "min_pos_iou": 0.5}}
    for add_truth in (True, False):
        sample = draw(proposals, targets, num=16, add_truth=add_truth, **fields)
        place = (sample.boxes[0] == proposals[0, 0]).all(-1).nonzero()[0, 0]
        assert sample.labels[0, place] == 1


def test_objects_in_one_place_are_each_their_own():
    targets = attrs.evolve(make_targets([[TRUTH[0], TRUTH[0]]]), labels=torch.tensor([[3, 1]]))
    sample = draw(far(20)[None], targets, num=16)
    assert sorted(sample.labels[0, sample.positive[0]].tolist()) == [1, 3]


def test_neither_crowds_nor_unused_slots_are_truth():
    targets = make_targets([TRUTH], slots=4)
    crowded = attrs.evolve(targets, crowd=torch.tensor([[True, False, False, False]]))
    sample = draw(far(3)[None], crowded)
    assert sample.positive.sum() == 1 and sample.boxes[0, 0].tolist() == TRUTH[1]
    assert sample.used.sum() == 4


def test_unused_slots_repeat_used_ones_and_count_for_nothing():
    valid = torch.arange(20)[None] < 3
    sample = draw(far(20)[None], make_targets([TRUTH[:1]]), valid=valid, num=10)
    assert sample.used[0].tolist() == [True] * 4 + [False] * 6
    assert torch.equal(sample.boxes[0, 4:8], sample.boxes[0, :4])
    assert not sample.positive[0, 4:].any() and (sample.labels[0, 4:] == K).all()


def test_nothing_at_all_gives_boxes_that_can_be_reckoned_with():
    for slots in (0, 3):
        sample = draw(torch.zeros(2, 6, 4), make_targets([[], []], slots=slots), valid=torch.zeros(2, 6).bool())
        assert not sample.used.any() and not sample.positive.any()
        assert (sample.boxes[..., 2:] - sample.boxes[..., :2] > 0).all()


def test_proposals_that_are_not_valid_are_never_used():
    valid = torch.tensor([[True, False] * 10])
    sample = draw(far(20)[None], make_targets([[]]), valid=valid, num=32)
    left = {tuple(box) for box in far(20)[~valid[0]].tolist()}
    assert sample.used.sum() == 10
    assert not left & {tuple(box) for box in sample.boxes[0].tolist()}


def test_an_image_draws_the_same_alone_and_beside_one_with_more_of_all():
    own = torch.cat((near(TRUTH[0], 9), far(30)))
    alone = draw(own[None], make_targets([TRUTH]), keys=torch.tensor([77]))
    more = torch.cat((own, torch.zeros(20, 4)))
    valid = torch.ones(2, 59).bool()
    valid[0, 39:] = False
    both = draw(
        torch.stack((more, far(59))), make_targets([TRUTH, TRUTH * 4]), valid=valid, keys=torch.tensor([77, 78])
    )
    assert torch.equal(alone.boxes[0], both.boxes[0]) and torch.equal(alone.labels[0], both.labels[0])
    assert not torch.equal(both.boxes[0], both.boxes[1])


@settings(max_examples=100, deadline=None)
@given(
    num=st.integers(1, 12),
    counts=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 12)), min_size=1, max_size=4),
)
def test_packing(num, counts):
    quota = max(1, num // 3)
    counts = [(min(pos, quota), min(neg, num - min(pos, quota))) for pos, neg in counts]
    pos_used = torch.tensor([[slot < pos for slot in range(quota)] for pos, _ in counts])
    neg_used = torch.tensor([[slot < neg for slot in range(num)] for _, neg in counts])
    pos = torch.arange(quota).expand(len(counts), -1)
    neg = 100 + torch.arange(num).expand(len(counts), -1)
    index, used = packed(Samples(pos=pos, pos_used=pos_used, neg=neg, neg_used=neg_used), num=num)
    for own, own_used, (pos_count, neg_count) in zip(index.tolist(), used, counts, strict=True):
        expected = [*range(pos_count), *range(100, 100 + neg_count)]
        assert own_used.tolist() == [place < len(expected) for place in range(num)]
        if expected:
            assert own == (expected * num)[:num]
