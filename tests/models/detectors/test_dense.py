"""The training step and the detections of small RetinaNet and ATSS."""

import attrs
import pytest
import torch
from torch.nn import functional
from torchvision import ops

from specdet.models.detectors.build import build_detector
from specdet.models.heads.atss import centerness
from specdet.spec import SpecError
from tests.models.batches import make_batch, make_targets
from tests.models.detectors.dense import BOXES, SIZES, labelled_batch, small_dense, small_dense_table
from tests.models.waiting import waits_of_a_step

KINDS = ["RetinaNet", "ATSS"]
AVERAGES = [("RetinaNet", {}), ("RetinaNet", {"train": {"average": "image"}}), ("ATSS", {})]
NAMES = {"RetinaNet": {"loss/cls", "loss/box"}, "ATSS": {"loss/cls", "loss/box", "loss/centerness"}}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("slots", [0, 1, 4])
def test_images_without_objects_train_background_and_keep_all_parameters_in_the_graph(kind, slots):
    model = small_dense(kind).train()
    batch = attrs.evolve(make_batch(SIZES), targets=make_targets([[], []], slots=slots))
    losses = model(batch)
    sum(losses.values()).backward()
    assert set(losses) == NAMES[kind]
    assert losses["loss/cls"] > 0 and all(losses[name] == 0 for name in losses if name != "loss/cls")
    assert all(each.grad is not None and each.grad.isfinite().all() for each in model.parameters())


@pytest.mark.parametrize(("kind", "changes"), AVERAGES)
def test_losses_are_sums_over_the_normalizers_and_given_ones_win(kind, changes):
    model, batch = small_dense(kind, **changes).eval(), labelled_batch()
    counts, losses = model.normalizers(batch), model(batch, returns="loss")
    assert set(counts) == set(losses) == NAMES[kind]
    doubled = model(attrs.evolve(batch, normalizers={name: 2 * each for name, each in counts.items()}), returns="loss")
    for name, value in losses.items():
        torch.testing.assert_close(doubled[name], value / 2)


@pytest.mark.parametrize(("kind", "changes"), AVERAGES)
def test_two_batches_with_shared_counts_are_one_big_batch(kind, changes):
    """What the runner does where an optimizer step spans several batches."""
    model, batch = small_dense(kind, **changes).eval(), labelled_batch()

    def cut(image: int):
        def own(of, *names):
            return attrs.evolve(of, **{name: getattr(of, name)[image : image + 1] for name in names})

        targets = own(batch.targets, "boxes", "labels", "crowd")
        return attrs.evolve(own(batch, "images", "sizes", "original_sizes", "image_ids", "keys"), targets=targets)

    halves = [cut(0), cut(1)]
    counts = [model.normalizers(half) for half in halves]
    assert changes or counts[0] != counts[1]
    shared = {name: (counts[0][name] + counts[1][name]) / 2 for name in counts[0]}
    found = [model(attrs.evolve(half, normalizers=shared), returns="loss") for half in halves]
    for name, value in model(batch, returns="loss").items():
        torch.testing.assert_close((found[0][name] + found[1][name]) / 2, value, rtol=1e-4, atol=1e-6)


def test_an_image_without_positives_counts_one():
    batch = labelled_batch([BOXES[0], []])
    alone = small_dense("RetinaNet").normalizers(batch)["loss/cls"]
    positives = (
        small_dense("RetinaNet")
        .bbox_head.targets(small_dense("RetinaNet").bbox_head.anchors_of(batch), batch)
        .positive.sum()
    )
    assert alone == positives + 1
    assert small_dense("RetinaNet", train={"average": "image"}).normalizers(batch)["loss/cls"] == 2


@pytest.mark.parametrize("kind", KINDS)
def test_the_losses_by_their_formulas(kind):
    model, batch = small_dense(kind).eval(), labelled_batch()
    head = model.bbox_head
    with torch.no_grad():
        outputs = head(model.features(batch), image_size=tuple(batch.images.shape[2:]))
        found = model(batch, returns="loss")
    anchors = outputs.anchors
    matched, targets = head.assign(anchors, batch)
    cls = box = center = 0.0
    count, weight = 0, 0.0
    for image in range(2):
        pos, asked = matched[image] >= 0, matched[image] >= -1
        slot = matched[image][pos]
        wanted = torch.zeros_like(outputs.logits[image])
        wanted[pos.nonzero()[:, 0], targets.labels[image][slot]] = 1
        cls += ops.sigmoid_focal_loss(outputs.logits[image][asked], wanted[asked], reduction="sum")
        truth, own, deltas = targets.boxes[image][slot], anchors.boxes[pos], outputs.deltas[image][pos]
        if kind == "RetinaNet":
            box += (deltas - head.coder.encode(own, truth)).abs().sum()
        else:
            x, y = ((own[:, :2] + own[:, 2:]) / 2).unbind(1)
            sides = [x - truth[:, 0], truth[:, 2] - x, y - truth[:, 1], truth[:, 3] - y]
            weights = (
                torch.minimum(sides[0], sides[1]) / torch.maximum(sides[0], sides[1])
                * torch.minimum(sides[2], sides[3]) / torch.maximum(sides[2], sides[3])
            ).sqrt()  # fmt: skip
            box += 2 * (weights * ops.generalized_box_iou_loss(head.coder.decode(own, deltas), truth)).sum()
            center += functional.binary_cross_entropy_with_logits(
                outputs.centerness[image][pos], weights, reduction="sum"
            )
            weight += weights.sum()
        count += len(slot)
        assert len(slot) > 2
    torch.testing.assert_close(found["loss/cls"], cls / count, rtol=1e-4, atol=0)
    torch.testing.assert_close(found["loss/box"], box / (count if kind == "RetinaNet" else weight), rtol=1e-4, atol=0)
    if kind == "ATSS":
        torch.testing.assert_close(found["loss/centerness"], center / count, rtol=1e-4, atol=0)


def test_ignored_anchors_and_padding_have_no_gradient():
    model, batch = small_dense("RetinaNet").eval(), labelled_batch()
    head = model.bbox_head
    outputs = head(model.features(batch), image_size=tuple(batch.images.shape[2:]))
    logits = outputs.logits.detach().requires_grad_()
    head.loss(attrs.evolve(outputs, logits=logits), batch)["loss/cls"].backward()
    asked = head.targets(outputs.anchors, batch).asked
    assert (~asked).sum() > 20
    assert torch.equal(logits.grad.abs().sum(-1) > 0, asked)


def test_quality_focal_loss_learns_how_well_boxes_fit():
    model, batch = small_dense("RetinaNet", bbox_head={"loss_cls": {"type": "QualityFocal"}}).eval(), labelled_batch()
    head = model.bbox_head
    with torch.no_grad():
        outputs = head(model.features(batch), image_size=tuple(batch.images.shape[2:]))
        found = head.loss(outputs, batch)["loss/cls"]
    targets = head.targets(outputs.anchors, batch)
    wanted = torch.zeros_like(outputs.logits)
    image, place = targets.positive.nonzero(as_tuple=True)
    found_boxes = head.coder.decode(outputs.anchors.boxes, outputs.deltas)[image, place]
    fits = ops.box_iou(found_boxes, targets.boxes[image, place]).diagonal()
    wanted[image, place, targets.labels[image, place]] = fits
    each = (wanted - outputs.logits.sigmoid()).square() * functional.binary_cross_entropy_with_logits(
        outputs.logits, wanted, reduction="none"
    )
    assert 0 < fits.min() < fits.max() < 1
    torch.testing.assert_close(found, each[targets.asked].sum() / len(image), rtol=1e-4, atol=0)


@pytest.mark.parametrize(("kind", "changes"), [
    ("RetinaNet", {}),
    ("RetinaNet", {
        "bbox_head": {"norm": "BN", "loss_box": {"type": "CIoU"}, "loss_cls": {"type": "QualityFocal"}},
        "train": {"average": "image", "exclude_padding": False, "assigner": {"low_quality": "best_kept"}},
    }),
    ("RetinaNet", {"train": {"assigner": {"type": "ATSS"}, "allowed_border": 0, "loss_normalizer": "global"}}),
    ("ATSS", {}),
    ("ATSS", {"bbox_head": {"loss_box": {"type": "DIoU"}}, "train": {"exclude_padding": False}}),
    ("ATSS", {"train": {"assigner": {"type": "MaxIoU", "pos_iou": 0.5, "neg_iou": 0.4}}}),
])  # fmt: skip
def test_a_training_step_waits_nowhere(kind, changes):
    waits, losses = waits_of_a_step(
        small_dense(kind, **changes), make_batch([(64, 96), (50, 70)], [[[4.0, 8, 40, 50]], []])
    )
    assert not waits
    assert all(each.isfinite() for each in losses.values())


@pytest.mark.parametrize("kind", KINDS)
def test_autocast_reaches_the_network_but_not_the_losses(kind):
    model, batch = small_dense(kind).train(), labelled_batch()
    exact = model(batch)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = model(batch)
    for name, value in rough.items():
        assert value.dtype == torch.float32
        torch.testing.assert_close(value, exact[name], rtol=0.05, atol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_detections_are_in_pixels_of_the_original_image_best_first(kind):
    model, batch = small_dense(kind, test={"min_score": 0.0, "max_detections": 20}).eval(), make_batch(SIZES)
    larger = attrs.evolve(batch, original_sizes=batch.sizes * torch.tensor([2, 3]))
    with torch.no_grad():
        found, scaled = model(batch), model(larger)
    assert [len(each) for each in found] == [20, 20]
    for own, own_scaled, (height, width) in zip(found, scaled, SIZES, strict=True):
        assert (own.scores.diff() <= 0).all() and (own.labels >= 0).all() and (own.labels < 3).all()
        assert (own.boxes >= 0).all() and (own.boxes <= torch.tensor([width, height, width, height])).all()
        torch.testing.assert_close(own_scaled.boxes, own.boxes * torch.tensor([3.0, 2.0, 3.0, 2.0]))


@pytest.mark.parametrize("kind", KINDS)
def test_only_boxes_of_one_class_suppress_each_other(kind):
    """One anchor that tells two classes is found as both; its neighbours of the same class are suppressed."""
    model, batch = small_dense(kind).eval(), make_batch([(64, 64)])
    head = model.bbox_head
    with torch.no_grad():
        outputs = head(model.features(batch), image_size=(64, 64))
        logits = torch.full_like(outputs.logits, -20.0)
        at = outputs.anchors.counts[0] // 2
        logits[0, at, 0], logits[0, at, 2], logits[0, at + head.anchor_generator.anchors_per_cell, 2] = 3.0, 2.0, 1.0
        centered = None if outputs.centerness is None else torch.zeros_like(outputs.centerness)
        outputs = attrs.evolve(outputs, logits=logits, deltas=torch.zeros_like(outputs.deltas), centerness=centered)
        boxes, kept, labels = head.detect(outputs, sizes=batch.sizes)
    assert kept.valid[0].sum() == 2
    assert labels[0, :2].tolist() == [0, 2]
    assert torch.equal(boxes[0, 0], boxes[0, 1])
    factor = 1 if kind == "RetinaNet" else 0.5  # a centerness of sigmoid(0)
    expected = factor * torch.tensor([3.0, 2.0]).sigmoid()
    torch.testing.assert_close(kept.scores[0, :2], expected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("size", "boxes"),
    [
        ((16, 1000), [[3.0, 2, 900, 15]]),
        ((64, 64), [[5.0, 5, 6, 6]]),
        ((40, 40), [[float(x), float(y), x + 9.0, y + 7.0] for x in range(25) for y in range(20)]),
    ],
    ids=["16 x 1000", "one pixel", "500 boxes"],
)
def test_odd_images_train_and_predict(kind, size, boxes):
    model, batch = small_dense(kind), make_batch([size], [boxes])
    losses = model.train()(batch)
    sum(losses.values()).backward()
    assert all(value.isfinite() for value in losses.values())
    assert losses["loss/box"] > 0 or kind == "ATSS"  # which may find no anchor that fits unusually well
    with torch.no_grad():
        assert len(model.eval()(batch)) == 1


def test_centerness_is_one_in_the_middle_and_zero_at_the_border_and_beyond():
    anchors = torch.tensor([[0.0, 0, 8, 8], [4, 0, 12, 8], [8, 0, 16, 8], [20, 0, 28, 8]])
    found = centerness(anchors, torch.tensor([[0.0, -4, 16, 12]]).expand(4, -1)[None])
    assert found.tolist() == [pytest.approx([(4 / 12) ** 0.5, 1, (4 / 12) ** 0.5, 0])]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"neck": {"start_level": 2}}, "neck.start_level"),
        ({"bbox_head": {"anchors": {"sizes": [[32.0]]}}}, "bbox_head.anchors.sizes"),
        ({"neck": {"extra_levels": 2}, "bbox_head": {"anchors": {"sizes": [[32.0]] * 3}}}, "bbox_head.anchors.sizes"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_parts_that_do_not_fit_are_told_before_anything_is_built(kind, changes, path):
    with pytest.raises(SpecError) as caught:
        build_detector(small_dense_table(kind, **changes))
    assert [problem.path for problem in caught.value.problems] == [path]


@pytest.mark.parametrize("kind", KINDS)
def test_a_detector_that_knows_no_classes_says_what_to_do(kind):
    table = {key: value for key, value in small_dense_table(kind).items() if key != "num_classes"}
    with pytest.raises(ValueError, match=r"model\.num_classes"):
        build_detector(table)
