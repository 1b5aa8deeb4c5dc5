"""Stages on each other's boxes, by their formulas."""

from typing import Any

import attrs
import pytest
import torch

from specdet.models.roi_heads.sample import Proposals
from specdet.models.roi_heads.spec import CascadeRoIHeadSpec
from tests.models.batches import make_batch
from tests.models.two_stage import STAGES, two_stage

SIZES = [(90, 120), (130, 70)]
BOXES = [[[10.0, 12, 50, 60], [60, 30, 100, 80]], [[20.0, 20, 52, 90]]]


def cascade(**roi_head: Any) -> Any:
    """With heads that move boxes by pixels, as trained ones do."""
    model: Any = two_stage("CascadeRCNN", roi_head=roi_head)
    with torch.no_grad():
        for head in model.roi_head.bbox_head:
            head.fc_reg.weight.mul_(200)
            head.fc_cls.weight.mul_(50)
    return model


def given(batch) -> Proposals:
    """Moved ground truth, and boxes anywhere."""
    boxes = batch.targets.boxes.repeat(1, 6, 1)
    moved = boxes + torch.linspace(-8, 8, boxes.shape[1])[:, None] * torch.tensor([1, -0.5, 0.5, 1])
    anywhere = torch.tensor([[5.0, 60, 30, 88], [0, 0, 64, 64], [40, 40, 60, 60]]).repeat(2, 1, 1)
    return Proposals(
        boxes=torch.cat((moved, anywhere), dim=1),
        valid=torch.cat((boxes.sum(-1) > 0, torch.ones(2, 3).bool()), dim=1),
    )


def samples_of(head: Any, features: Any, proposals: Proposals, batch: Any) -> tuple[list, dict]:
    """The sample of each stage, and the losses."""
    drawn, draw = [], head.sample
    head.sample = lambda *args, **kwargs: drawn.append(draw(*args, **kwargs)) or drawn[-1]
    losses = head.loss(features, proposals, batch)
    head.sample = draw
    return drawn, losses


@pytest.mark.parametrize("resample", [True, False])
@torch.no_grad()
def test_a_stage_learns_from_what_the_one_before_made(resample):
    model, batch = cascade(resample=resample), make_batch(SIZES, BOXES)
    head = model.roi_head
    (first, second), _ = samples_of(head, features := model.features(batch), given(batch), batch)
    outputs = head.bbox_outputs(head.bbox_head[0], features, first.boxes)
    refined = head.bbox_head[0].refine(first.boxes, outputs, sizes=batch.sizes, labels=first.labels)
    assert (refined - first.boxes).abs().max() > 1
    for image in range(2):
        came = refined[image][first.used[image] & (~first.is_truth[image] | (not resample))]
        truth = batch.targets.boxes[image][batch.targets.valid[image]] if resample else torch.zeros(0, 4)
        expected = {tuple(box) for box in (*came.tolist(), *truth.tolist())}
        used = second.boxes[image][second.used[image]]
        assert {tuple(box) for box in used.tolist()} == expected
        assert (second.is_truth & second.used)[image].sum() == len(BOXES[image])
    iou = torch.tensor([0.5, 0.6])
    for sample, least in zip((first, second), iou, strict=True):
        low = torch.maximum(sample.boxes[..., :2], sample.truth[..., :2])
        high = torch.minimum(sample.boxes[..., 2:], sample.truth[..., 2:])
        overlap = (high - low).clamp(min=0).prod(-1)
        areas = sum((each[..., 2:] - each[..., :2]).prod(-1) for each in (sample.boxes, sample.truth))
        assert (overlap / (areas - overlap))[sample.positive].min() >= least - 1e-6


@torch.no_grad()
def test_losses_bear_the_names_and_weights_of_their_stages():
    batch = make_batch(SIZES, BOXES)
    heavy = {name: {**stage, "weight": 3.0} for name, stage in STAGES.items()}
    plain, weighted = cascade(), cascade(stages=heavy)
    features = plain.features(batch)
    _, losses = samples_of(plain.roi_head, features, given(batch), batch)
    _, heavier = samples_of(weighted.roi_head, features, given(batch), batch)
    assert list(losses) == ["loss/stage1_cls", "loss/stage1_box", "loss/stage2_cls", "loss/stage2_box"]
    for name, factor in zip(losses, (3, 3, 6, 6), strict=True):
        assert losses[name] > 0
        torch.testing.assert_close(heavier[name], factor * losses[name])


@pytest.mark.parametrize("average", ["logits", "probs"])
@torch.no_grad()
def test_scores_are_means_over_the_stages_and_boxes_the_last_ones(average):
    model, batch = cascade(average=average).eval(), make_batch(SIZES, BOXES)
    head, features = model.roi_head, model.features(batch)
    proposals = Proposals(boxes=batch.targets.boxes[:, :1], valid=torch.ones(2, 1).bool())
    head.test_spec = attrs.evolve(head.test_spec, min_score=0.0, nms_iou=1.0)
    found = head.detect(features, proposals, batch)
    first = head.bbox_outputs(head.bbox_head[0], features, proposals.boxes)
    boxes = head.bbox_head[0].refine(proposals.boxes, first, sizes=batch.sizes)
    second = head.bbox_outputs(head.bbox_head[1], features, boxes)
    assert (boxes - proposals.boxes).abs().max() > 1
    if average == "logits":
        scores = ((first.logits + second.logits) / 2).softmax(-1)
    else:
        scores = (first.logits.softmax(-1) + second.logits.softmax(-1)) / 2
    expected = scores[:, 0, :-1].sort(dim=-1, descending=True)
    torch.testing.assert_close(found.kept.scores, expected.values)
    assert torch.equal(found.labels, expected.indices)
    last = head.bbox_head[1].decode(boxes, second, sizes=batch.sizes)
    torch.testing.assert_close(found.boxes, last[:, 0].expand(-1, 3, -1))


def test_gradients_of_the_pyramid_are_divided_if_wanted():
    batch, gradients = make_batch(SIZES, BOXES), {}
    for scale in (False, True):
        model = cascade(scale_gradients=scale)
        features = [each.detach().requires_grad_() for each in model.features(batch)]
        losses = model.roi_head.loss(features, given(batch), batch)
        gradients[scale] = torch.autograd.grad(sum(losses.values()), [features[0], *model.roi_head.parameters()])
    torch.testing.assert_close(gradients[True][0], gradients[False][0] / 2)
    for plain, scaled in zip(gradients[False][1:], gradients[True][1:], strict=True):
        torch.testing.assert_close(plain, scaled)


def test_the_default_stages_are_those_of_the_paper():
    stages: dict[str, Any] = CascadeRoIHeadSpec().stages
    assert [stage.weight for stage in stages.values()] == [1.0, 0.5, 0.25]
    assert [stage.assigner.pos_iou for stage in stages.values()] == [0.5, 0.6, 0.7]
    assert [stage.assigner.match_low_quality for stage in stages.values()] == [False] * 3
    assert [stage.bbox_head.coder.stds[::2] for stage in stages.values()] == [(0.1, 0.2), (0.05, 0.1), (0.033, 0.067)]
    assert all(stage.bbox_head.class_agnostic for stage in stages.values())
    assert all(type(stage.bbox_head.loss_box).__name__ == "SmoothL1LossSpec" for stage in stages.values())
