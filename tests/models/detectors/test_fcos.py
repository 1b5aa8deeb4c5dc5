"""The training step and the detections of a small FCOS."""

from typing import Any

import attrs
import pytest
import torch
from torch.nn import functional
from torchvision import ops

from specdet.boxes.formats import clip_boxes
from specdet.models.detectors.build import build_detector
from specdet.spec import SpecError
from tests.models.batches import make_batch, make_targets
from tests.models.detectors.dense import (
    BOXES,
    NEWER_FCOS,
    SIZES,
    halves,
    labelled_batch,
    small_dense,
    small_dense_table,
)
from tests.models.waiting import waits_of_a_step

NAMES = {"loss/cls", "loss/box", "loss/centerness"}


def small_fcos(**changes: Any):
    return small_dense("FCOS", **changes)


@pytest.mark.parametrize("slots", [0, 1, 4])
@pytest.mark.parametrize("changes", [{}, NEWER_FCOS], ids=["older", "newer"])
def test_images_without_objects_train_background_and_keep_all_parameters_in_the_graph(slots, changes):
    model = small_fcos(**changes).train()
    losses = model(attrs.evolve(make_batch(SIZES), targets=make_targets([[], []], slots=slots)))
    sum(losses.values()).backward()
    assert set(losses) == NAMES
    assert losses["loss/cls"] > 0 and losses["loss/box"] == losses["loss/centerness"] == 0
    assert all(each.grad is not None and each.grad.isfinite().all() for each in model.parameters())


def test_the_losses_by_their_formulas():
    """As the paper has them: boxes count by their centerness."""
    model, batch = small_fcos().eval(), labelled_batch()
    head = model.bbox_head
    with torch.no_grad():
        outputs = head(model.features(batch), image_size=tuple(batch.images.shape[2:]))
        found = model(batch, returns="loss")
    points = outputs.points
    matched = head.assigner(points, batch.targets.boxes, valid=batch.targets.valid)
    cls = box = center = weight = 0.0
    count = 0
    for image in range(2):
        pos = matched[image] >= 0
        slot, own = matched[image][pos], points.centers[pos]
        wanted = torch.zeros_like(outputs.logits[image])
        wanted[pos.nonzero()[:, 0], batch.targets.labels[image][slot]] = 1
        cls += ops.sigmoid_focal_loss(outputs.logits[image], wanted, reduction="sum")
        truth, sides = batch.targets.boxes[image][slot], outputs.distances[image][pos]
        left, top = (own - truth[:, :2]).unbind(1)
        right, bottom = (truth[:, 2:] - own).unbind(1)
        across, down = torch.stack((left, right)), torch.stack((top, bottom))
        wanted_center = (across.amin(0) / across.amax(0) * down.amin(0) / down.amax(0)).sqrt()
        boxes = torch.cat((own - sides[:, :2], own + sides[:, 2:]), dim=1)
        box -= (wanted_center * ops.box_iou(boxes, truth).diagonal().clamp(min=1e-6).log()).sum()
        center += functional.binary_cross_entropy_with_logits(
            outputs.centerness[image][pos], wanted_center, reduction="sum"
        )
        weight += wanted_center.sum()
        count += len(slot)
        assert len(slot) > 10
    for name, expected in (("cls", cls / count), ("box", box / weight), ("centerness", center / count)):
        torch.testing.assert_close(found[f"loss/{name}"], expected, rtol=1e-4, atol=0)


@pytest.mark.parametrize("changes", [{}, NEWER_FCOS], ids=["older", "newer"])
def test_two_batches_with_shared_counts_are_one_big_batch(changes):
    """What the runner does where an optimizer step spans several batches; one of them may be empty."""
    model = small_fcos(**changes).eval()
    for boxes in (BOXES, [BOXES[0], []]):
        batch = labelled_batch(boxes)
        parts = halves(batch)
        counts = [model.normalizers(part) for part in parts]
        assert set(counts[0]) == NAMES and counts[0] != counts[1]
        shared = {name: (counts[0][name] + counts[1][name]) / 2 for name in counts[0]}
        found = [model(attrs.evolve(part, normalizers=shared), returns="loss") for part in parts]
        for name, value in model(batch, returns="loss").items():
            torch.testing.assert_close((found[0][name] + found[1][name]) / 2, value, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("changes", [
    {},
    NEWER_FCOS,
    {"bbox_head": {"norm": "BN", "loss_box": {"type": "CIoU"}, "loss_cls": {"type": "QualityFocal"}}},
    {"train": {"assigner": {"borders": [40.0, 80.0], "closed": False}, "loss_normalizer": "rank"}},
])  # fmt: skip
def test_a_training_step_waits_nowhere(changes):
    batch = make_batch([(64, 96), (50, 70)], [[[4.0, 8, 40, 50]], []])
    waits, losses = waits_of_a_step(small_fcos(**changes), batch)
    assert not waits
    assert all(each.isfinite() and each > 0 for each in losses.values())


def test_autocast_reaches_the_network_but_not_the_losses():
    model, batch = small_fcos().train(), labelled_batch()
    exact = model(batch)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = model(batch)
        outputs = model.bbox_head(model.features(batch), image_size=tuple(batch.images.shape[2:]))
    assert outputs.logits.dtype == torch.bfloat16 and outputs.distances.dtype == torch.float32
    for name, value in rough.items():
        assert value.dtype == torch.float32
        torch.testing.assert_close(value, exact[name], rtol=0.05, atol=1e-3)


def test_scores_of_mmdetection_are_chosen_by_class_and_multiplied_by_centerness():
    """Of those whose class alone scores above min_score; those of torchvision are roots, and all looked at."""
    batch = make_batch(SIZES)
    settings = {"min_score": 0.0099, "nms_iou": 1.0, "max_detections": 10_000, "nms_pre": 10_000}
    for score in ("product", "root"):
        model = small_fcos(test={"score": score, **settings}).eval()
        with torch.no_grad():
            outputs = model.bbox_head(model.features(batch), image_size=tuple(batch.images.shape[2:]))
            found = model(batch)
        classes, centers = outputs.logits.sigmoid(), outputs.centerness.sigmoid()[..., None]
        mixed = classes * centers if score == "product" else (classes * centers).sqrt()
        kept = classes > 0.0099 if score == "product" else mixed > 0.0099
        boxes = clip_boxes(outputs.points.boxes(outputs.distances), batch.sizes)
        has_area = (boxes[..., 2:] > boxes[..., :2]).all(-1)  # points far out in the padding have no box in the image
        for own, image_scores, used in zip(found, mixed, kept & has_area[..., None], strict=True):
            assert score == "root" or 0 < used.sum() < used.numel()
            expected = image_scores[used].sort(descending=True).values
            torch.testing.assert_close(own.scores, expected, rtol=1e-5, atol=0)


def test_exponentials_stay_finite():
    model, batch = small_fcos().train(), labelled_batch()
    with torch.no_grad():
        model.bbox_head.conv_reg.bias.fill_(500.0)
    losses = model(batch)
    sum(losses.values()).backward()
    assert all(each.isfinite() for each in losses.values())
    assert all(each.grad.isfinite().all() for each in model.parameters())


def test_crowds_are_no_objects():
    batch = labelled_batch()
    crowded = attrs.evolve(batch, targets=attrs.evolve(batch.targets, crowd=batch.targets.labels >= 0))
    assert small_fcos().eval()(crowded, returns="loss")["loss/box"] == 0


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"neck": None}, "neck"),
        ({"train": {"assigner": {"borders": [64.0]}}}, "train.assigner.borders"),
        ({"train": {"assigner": {"type": "MaxIoU"}}}, "train.assigner.type"),
        ({"bbox_head": {"points": {"offset": 2.0}}}, "bbox_head.points.offset"),
    ],
)
def test_parts_that_do_not_fit_are_told_before_anything_is_built(changes, path):
    with pytest.raises(SpecError) as caught:
        build_detector(small_dense_table("FCOS", **changes))
    assert [problem.path for problem in caught.value.problems] == [path]


def test_names_are_those_of_mmdetection_but_for_its_inner_conv_and_gn():
    names = {name.removeprefix("bbox_head.") for name in small_fcos(bbox_head={"conv_bias": True}).state_dict()}
    assert names >= {"cls_convs.0.0.weight", "cls_convs.0.1.weight", "reg_convs.0.0.bias", "reg_convs.0.1.bias"}
    assert names >= {"conv_cls.weight", "conv_reg.weight", "conv_centerness.weight", "scales.0.scale", "scales.2.scale"}


@pytest.mark.parametrize("changes", [{}, NEWER_FCOS], ids=["older", "newer"])
@pytest.mark.parametrize("size", [(16, 1000), (1, 1), (64, 64)])
def test_odd_images_train_and_are_looked_at(changes, size):
    """Very wide, of one pixel, and with 500 boxes of which one is a pixel wide."""
    height, width = size
    boxes = [[0.0, 0, 1, 1], *([[0.0, 0, width, height]] * 499)]
    model = small_fcos(**changes)
    losses = model.train()(make_batch([size], [boxes]))
    sum(losses.values()).backward()
    assert all(each.isfinite() for each in losses.values())
    assert len(model.eval()(make_batch([size]))) == 1
