"""Proposals, and the sample of them that a head is trained on."""

from typing import Any

import attrs
import torch
from torch import Tensor

from specdet.boxes.formats import have_extent
from specdet.boxes.iou import pairwise_iou
from specdet.models.samples import Samples
from specdet.models.slots import rows, with_a_slot
from specdet.structures import Targets

STAGE_BITS = 24  # names of proposals in the first, second... stage of a cascade
TRUTH = 1 << 31  # first name of a ground truth among proposals
IGNORED = -2  # what assigners match places with that take no part


@attrs.frozen(kw_only=True, eq=False)
class Proposals:
    """Boxes in which there may be an object.

    Attributes:
        boxes: (N, D, 4) float32 xyxy, px of the padded images.
        valid: (N, D) bool; the others are unused slots.
    """

    boxes: Tensor
    valid: Tensor


@attrs.frozen(kw_only=True, eq=False)
class RoISample:
    """R boxes of each image with what they are trained for; positives first, then negatives, then unused slots.

    An unused slot repeats a used one, or holds a box of 1 px where there is none, so that it can be reckoned with.

    Attributes:
        boxes: (N, R, 4) float32 xyxy, px of the padded images.
        used: (N, R) bool.
        positive: (N, R) bool; all are among the first `most_positives` slots.
        slots: (N, R) int64 of the ground truth of positives; any slot for others.
        labels: (N, R) int64 0..K; K, background, for all but positives.
        truth: (N, R, 4) float32, the box of the ground truth of positives; the box itself for others.
        is_truth: (N, R) bool; boxes that are ground truth themselves.
        most_positives: How many positives there can be in an image.
    """

    boxes: Tensor
    used: Tensor
    positive: Tensor
    slots: Tensor
    labels: Tensor
    truth: Tensor
    is_truth: Tensor
    most_positives: int


@torch.no_grad()
def with_truth(proposals: Proposals, targets: Targets) -> tuple[Proposals, Tensor]:
    """Ground truth put before the proposals, and (N, M + D) bool that tells which ones are ground truth."""
    valid = torch.cat((targets.valid & have_extent(targets.boxes), proposals.valid), dim=1)
    first = torch.arange(valid.shape[1], device=valid.device) < targets.boxes.shape[1]
    boxes = torch.cat((targets.boxes.float(), proposals.boxes), dim=1)
    return Proposals(boxes=boxes, valid=valid), first.expand_as(valid)


@torch.no_grad()
def sample_proposals(
    proposals: Proposals, targets: Targets, *, assigner: Any, train: Any, sampler: Any, keys: Tensor, num_classes: int,
    stage: int = 0,
) -> RoISample:  # fmt: skip
    """Draw the sample that a head is trained on.

    Args:
        proposals: Of each image.
        targets: Ground truth.
        assigner, sampler: Built.
        train: With `add_truth`.
        keys: (N,) int64.
        num_classes: K.
        stage: Of a cascade, counted from 0.
    """
    targets = with_a_slot(targets)
    num_truth, num_proposals = targets.boxes.shape[1], proposals.boxes.shape[1]
    device = keys.device
    matched = match(proposals, targets, assigner=assigner)
    # Neither the number of ground truth slots nor that of proposals in a batch may change what is drawn.
    ids = torch.arange(num_proposals, device=device) + (stage << STAGE_BITS)
    if train.add_truth:
        proposals, is_truth = with_truth(proposals, targets)
        slots = torch.arange(num_truth, device=device)
        # Each is matched with itself, so that it is not the best proposal for itself where the best one is asked for.
        matched = torch.cat((torch.where(proposals.valid[:, :num_truth], slots, IGNORED), matched), dim=1)
        ids = torch.cat((slots + (TRUTH + (stage << STAGE_BITS)), ids))
    else:
        is_truth = torch.zeros_like(proposals.valid)
    samples = sampler(matched, keys=keys, ids=ids)
    index, used = packed(samples, num=sampler.spec.num)
    return taken(
        proposals, index=index, used=used, matched=matched.gather(1, index), is_truth=is_truth.gather(1, index),
        targets=targets, num_classes=num_classes, most_positives=samples.pos.shape[1],
    )  # fmt: skip


def match(proposals: Proposals, targets: Targets, *, assigner: Any) -> Tensor:
    """(N, D) int64: the slot of the ground truth of each proposal, -1 for negatives, -2 for those that take no part."""
    with torch.autocast(targets.boxes.device.type, enabled=False):
        iou = pairwise_iou(targets.boxes.float(), proposals.boxes)
        return assigner(iou, valid=targets.valid, candidates=proposals.valid)


def packed(samples: Samples, *, num: int) -> tuple[Tensor, Tensor]:
    """Positives, then negatives, then repetitions of both, in (N, R) slots; and which of these are used."""
    num_pos = samples.pos_used.sum(dim=1, keepdim=True)
    num_used = num_pos + samples.neg_used.sum(dim=1, keepdim=True)
    place = torch.arange(min(num, samples.neg.shape[1]), device=num_pos.device).expand(len(num_pos), -1)
    turn = torch.where(num_used > 0, place % num_used.clamp(min=1), place)
    pos = samples.pos.gather(1, turn.clamp(max=samples.pos.shape[1] - 1))
    neg = samples.neg.gather(1, (turn - num_pos).clamp(min=0))
    return torch.where(turn < num_pos, pos, neg), place < num_used


def taken(
    proposals: Proposals, *, index: Tensor, used: Tensor, matched: Tensor, is_truth: Tensor, targets: Targets,
    num_classes: int, most_positives: int,
) -> RoISample:  # fmt: skip
    """The sample at (N, R) places of the proposals, with (N, R) what each is matched with."""
    boxes = rows(proposals.boxes, index)
    unit = torch.zeros_like(boxes)
    unit[..., 2:].fill_(1)
    boxes = torch.where(have_extent(boxes)[..., None], boxes, unit)
    positive, slots = used & (matched >= 0), matched.clamp(min=0)
    labels = torch.where(positive, targets.labels.gather(1, slots), num_classes)
    return RoISample(
        boxes=boxes,
        used=used,
        positive=positive,
        slots=slots,
        labels=labels,
        truth=torch.where(positive[..., None], rows(targets.boxes.float(), slots), boxes),
        is_truth=is_truth,
        most_positives=most_positives,
    )
