"""The training step and the detections of a small SSDLite."""

from typing import Any

import attrs
import pytest
import torch
from torch.nn import functional

from specdet.models.detectors.build import build_detector
from specdet.models.detectors.ssd import SSD
from specdet.spec import SpecError
from tests.models.batches import make_batch, make_targets
from tests.models.detectors.dense import BOXES, SIZES, labelled_batch, small_ssd_table
from tests.models.waiting import waits_of_a_step


def small_ssd(**changes: Any) -> SSD:
    torch.manual_seed(0)
    model = build_detector(small_ssd_table(**changes))
    assert isinstance(model, SSD)
    return model


def fresh(model: SSD, batch, counts: dict[str, torch.Tensor] | None = None) -> dict[str, torch.Tensor]:
    """The losses, always of the same statistics."""
    return model.eval()(attrs.evolve(batch, normalizers=counts), returns="loss")


@pytest.mark.parametrize("slots", [0, 1, 4])
def test_images_without_objects_have_no_loss_and_keep_all_parameters_in_the_graph(slots):
    """Three negatives for each positive: where there is none, nothing is learnt, as in SSD's own code."""
    model = small_ssd().train()
    losses = model(attrs.evolve(make_batch(SIZES), targets=make_targets([[], []], slots=slots)))
    sum(losses.values()).backward()
    assert set(losses) == {"loss/cls", "loss/box"} and all(each == 0 for each in losses.values())
    assert all(each.grad is not None and each.grad.isfinite().all() for each in model.parameters())


def test_the_losses_by_their_formulas():
    model, batch = small_ssd().eval(), labelled_batch()
    head = model.bbox_head
    with torch.no_grad():
        outputs = head(model.features(batch), image_size=tuple(batch.images.shape[2:]))
        found = model(batch, returns="loss")
    matched, targets = head.assign(outputs.anchors, batch)
    cls, box, count = 0.0, 0.0, 0
    for image in range(2):
        pos = matched[image] >= 0
        slot = matched[image][pos]
        labels = torch.full_like(matched[image], 3)
        labels[pos] = targets.labels[image][slot]
        each = functional.cross_entropy(outputs.logits[image], labels, reduction="none")
        cls += each[pos].sum() + each[~pos].sort(descending=True).values[: 3 * len(slot)].sum()
        wanted = head.coder.encode(outputs.anchors.boxes[pos], targets.boxes[image][slot])
        box += functional.smooth_l1_loss(outputs.deltas[image][pos], wanted, reduction="sum")
        count += len(slot)
        assert 0 < len(slot) < 0.2 * len(pos)
    torch.testing.assert_close(found["loss/cls"], cls / count, rtol=1e-4, atol=0)
    torch.testing.assert_close(found["loss/box"], box / count, rtol=1e-4, atol=0)


@pytest.mark.parametrize("average", ["at_least_one", "positives"])
def test_two_batches_with_shared_counts_are_one_big_batch(average):
    """What the runner does where an optimizer step spans several batches; one of them may be empty."""
    model = small_ssd(train={"average": average})
    for boxes in (BOXES, [BOXES[0], []]):
        batch = labelled_batch(boxes)
        parts = []
        for image in (slice(0, 1), slice(1, 2)):
            own = {
                name: getattr(batch, name)[image] for name in ("images", "sizes", "original_sizes", "image_ids", "keys")
            }
            targets = {name: getattr(batch.targets, name)[image] for name in ("boxes", "labels", "crowd")}
            parts.append(attrs.evolve(batch, **own, targets=attrs.evolve(batch.targets, **targets)))
        counts = [model.normalizers(part) for part in parts]
        assert counts[0] != counts[1]
        shared = {name: (counts[0][name] + counts[1][name]) / 2 for name in counts[0]}
        found = [fresh(model, part, shared) for part in parts]
        for name, value in fresh(model, batch).items():
            torch.testing.assert_close((found[0][name] + found[1][name]) / 2, value, rtol=1e-4, atol=1e-6)


def test_an_image_without_positives_counts_one_in_mmdetection():
    batch = labelled_batch([BOXES[0], []])
    counts = {each: small_ssd(train={"average": each}).normalizers(batch) for each in ("at_least_one", "positives")}
    assert counts["at_least_one"]["loss/cls"] == counts["positives"]["loss/cls"] + 1


@pytest.mark.parametrize("size", [(90, 120), (130, 70), (301, 299)])
@pytest.mark.parametrize("changes", [
    {},
    {"neck": {"conv_strides": [2, 1], "paddings": [1, 0]}},
    {"backbone": {"type": "VGG", "base_channels": 2}, "neck": {"depthwise": False, "norm": "none"}},
    {"neck": [{"type": "SSDExtra", "channels": [16], "conv_strides": [2], "paddings": [0]},
              {"type": "SSDExtra", "channels": [8], "conv_strides": [2], "paddings": [1]}]},
    {"neck": {"type": "FPN", "out_channels": 8, "extra_levels": 2}},
])  # fmt: skip
def test_sizes_of_levels_are_known_without_the_network(size, changes):
    model = small_ssd(**changes).eval()
    with torch.no_grad():
        features = model.features(make_batch([size], divisor=1))
    assert model.feature_sizes(size) == tuple(tuple(each.shape[2:]) for each in features)


@pytest.mark.parametrize("changes", [
    {},
    {"train": {"average": "positives", "loss_normalizer": "global"}, "bbox_head": {"loss_box": {"type": "GIoU"}}},
    {"train": {"assigner": {"pos_iou": 0.5, "neg_iou": 0.4, "low_quality": "tied"}}},
])  # fmt: skip
def test_a_training_step_waits_nowhere(changes):
    batch = make_batch([(64, 96), (50, 70)], [[[4.0, 8, 40, 50]], []])
    waits, losses = waits_of_a_step(small_ssd(**changes), batch)
    assert not waits
    assert all(each.isfinite() and each > 0 for each in losses.values())


def test_one_image_alone_trains_although_its_last_level_is_one_cell():
    model = small_ssd().train()
    batch = make_batch([(64, 64)], [[[4.0, 8, 40, 50]]])
    assert model.feature_sizes((64, 64))[-1] == (1, 1)
    losses = model(batch)
    sum(losses.values()).backward()
    assert all(each.isfinite() and each > 0 for each in losses.values())


def test_images_too_small_for_the_levels_are_told():
    with pytest.raises(ValueError, match="nothing is left of a level of 2 x 2 cells"):
        small_ssd(neck={"paddings": [1, 0]}).eval()(make_batch([(32, 32)]))


def test_detections_are_in_pixels_of_the_original_image_best_first():
    model = small_ssd(test={"min_score": 0.0, "max_detections": 20}).eval()
    batch = make_batch(SIZES)
    larger = attrs.evolve(batch, original_sizes=batch.sizes * torch.tensor([2, 3]))
    with torch.no_grad():
        found, scaled = model(batch), model(larger)
    assert [len(each) for each in found] == [20, 20]
    for own, own_scaled, (height, width) in zip(found, scaled, SIZES, strict=True):
        assert (own.scores.diff() <= 0).all() and set(own.labels.tolist()) <= {0, 1, 2}
        assert (own.boxes >= 0).all() and (own.boxes <= torch.tensor([width, height, width, height])).all()
        torch.testing.assert_close(own_scaled.boxes, own.boxes * torch.tensor([3.0, 2.0, 3.0, 2.0]))


def test_the_best_are_taken_of_each_class_or_of_each_level():
    """Two of each of three classes, or two of each of four levels."""
    batch = make_batch(SIZES)
    settings = {"min_score": 0.0, "nms_iou": 1.0, "nms_pre": 2}
    with torch.no_grad():
        by_class = small_ssd(test={"best_of": "class", **settings}).eval()(batch)
        by_level = small_ssd(test={"best_of": "level", **settings}).eval()(batch)
    assert all(own.labels.bincount(minlength=3).tolist() == [2, 2, 2] for own in by_class)
    assert [len(own) for own in by_level] == [8, 8]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"neck": None}, "bbox_head.anchors.ratios"),
        ({"bbox_head": {"anchors": {"ratios": [[2.0]] * 5}}}, "bbox_head.anchors.ratios"),
        ({"bbox_head": {"anchors": {"type": "AnchorGenerator"}}}, "bbox_head.anchors.type"),
        ({"neck": {"paddings": [1]}}, "neck.paddings"),
        ({"neck": [{"type": "FPN", "start_level": 4}]}, "neck.0.start_level"),
    ],
)
def test_parts_that_do_not_fit_are_told_before_anything_is_built(changes, path):
    with pytest.raises(SpecError) as caught:
        build_detector(small_ssd_table(**changes))
    assert [problem.path for problem in caught.value.problems] == [path]


@pytest.mark.parametrize("size", [(16, 1000), (1, 1), (64, 64)])
def test_odd_images_train_and_are_looked_at(size):
    """Very wide, of one pixel, and with 500 boxes of which one is a pixel wide; SSD mostly sees stretched ones."""
    height, width = size
    boxes = [[0.0, 0, 1, 1], *([[0.0, 0, width, height]] * 499)]
    model = small_ssd()
    losses = model.train()(make_batch([size], [boxes], divisor=1))
    sum(losses.values()).backward()
    assert all(each.isfinite() for each in losses.values())
    assert len(model.eval()(make_batch([size], divisor=1))) == 1
