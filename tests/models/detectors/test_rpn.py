"""The training step and the detections of a small RPN."""

import attrs
import pytest
import torch
from torch.nn import functional

from specdet.models.detectors.build import build_detector
from specdet.spec import SpecError
from specdet.structures import Batch
from tests.models.batches import make_batch, make_targets
from tests.models.small import small_rpn, small_table

SIZES = [(90, 120), (130, 70)]
BOXES = [[[10.0, 12, 50, 60], [60, 30, 100, 80], [5, 40, 30, 84]], [[20.0, 20, 52, 90]]]


@pytest.mark.parametrize("slots", [0, 1, 4])
def test_images_without_objects_train_background_and_keep_all_parameters_in_the_graph(slots):
    model = small_rpn().train()
    batch = attrs.evolve(make_batch(SIZES), targets=make_targets([[], []], slots=slots))
    losses = model(batch)
    sum(losses.values()).backward()
    assert losses["loss/rpn_box"] == 0 < losses["loss/rpn_cls"]
    trained = [each for each in model.parameters() if each.requires_grad]
    assert all(each.grad is not None and each.grad.isfinite().all() for each in trained)
    assert model.rpn_head.rpn_cls.weight.grad.abs().sum() > 0


def test_an_image_learns_from_the_same_anchors_alone_and_among_others():
    model, both = small_rpn(), make_batch(SIZES, BOXES)
    for image in range(2):
        alone = make_batch(SIZES[image : image + 1], BOXES[image : image + 1])
        height, width = alone.images.shape[-2:]
        assert (height, width) != both.images.shape[-2:]
        own = both.images[image : image + 1, :, :height, :width]
        alone = attrs.evolve(alone, images=own, keys=both.keys[image : image + 1])
        assert _drawn(model.rpn_head, alone, 0) == _drawn(model.rpn_head, both, image)


def _drawn(head, batch: Batch, image: int) -> set[tuple[float, ...]]:
    """The boxes of the anchors that are drawn."""
    size = (batch.images.shape[2], batch.images.shape[3])
    anchors = head.anchor_generator(
        head.anchor_generator.feature_sizes(size), image_size=size, device=torch.device("cpu")
    )
    matched, _ = head.match(anchors, batch)
    samples = head.sampler(matched, keys=batch.keys, ids=anchors.ids)
    index = torch.cat((samples.pos[image][samples.pos_used[image]], samples.neg[image][samples.neg_used[image]]))
    return {tuple(box) for box in anchors.boxes[index].tolist()}


def test_losses_are_sums_over_the_normalizers_and_given_ones_win():
    model, batch = small_rpn().eval(), make_batch(SIZES, BOXES)
    counts = model.normalizers(batch)
    losses = model(batch, returns="loss")
    assert set(counts) == set(losses) == {"loss/rpn_cls", "loss/rpn_box"}
    doubled = model(attrs.evolve(batch, normalizers={name: 2 * each for name, each in counts.items()}), returns="loss")
    for name, value in losses.items():
        torch.testing.assert_close(doubled[name], value / 2)


def test_an_image_without_positives_counts_one_in_mmdetection():
    batch = attrs.evolve(make_batch(SIZES), targets=make_targets([[], []]))
    counts = {
        average: small_rpn(train={"average": average}).normalizers(batch)["loss/rpn_cls"].item()
        for average in ("at_least_one", "sampled", "quota")
    }
    assert counts == {"at_least_one": 2 * (256 + 1), "sampled": 2 * 256, "quota": 2 * 256}


def test_the_losses_by_their_formula():
    model, batch = small_rpn().eval(), make_batch(SIZES, BOXES)
    head = model.rpn_head
    with torch.no_grad():
        predictions, losses = model.predict(batch), model(batch, returns="loss")
    matched, truth = head.match(predictions.anchors, batch)
    samples = head.sampler(matched, keys=batch.keys, ids=predictions.anchors.ids)
    cls, box, count = 0.0, 0.0, 0
    for image in range(2):
        pos, neg = (
            index[image][used[image]]
            for index, used in ((samples.pos, samples.pos_used), (samples.neg, samples.neg_used))
        )
        logits = predictions.logits[image]
        cls += functional.softplus(-logits[pos]).sum() + functional.softplus(logits[neg]).sum()
        targets = head.coder.encode(predictions.anchors.boxes[pos], truth[image][matched[image][pos]])
        box += (predictions.deltas[image][pos] - targets).abs().sum()
        count += len(pos) + len(neg)
        assert len(pos) > 0 and len(neg) > 0
    torch.testing.assert_close(losses["loss/rpn_cls"], cls / count)
    torch.testing.assert_close(losses["loss/rpn_box"], box / count)


def test_anchors_in_padding_are_left_out_if_wanted():
    batch = make_batch([(32, 32), (128, 128)], [[[4.0, 4, 20, 20]], [[4.0, 4, 60, 60]]])
    ignored = {}
    for exclude in (True, False):
        head = small_rpn(train={"exclude_padding": exclude}).rpn_head
        anchors = head.anchor_generator([(16, 16), (8, 8), (4, 4)], image_size=(128, 128), device=torch.device("cpu"))
        matched, _ = head.match(anchors, batch)
        beyond = (anchors.cells >= 32).any(-1)
        ignored[exclude] = (matched[0][beyond] == -2).all().item()
        assert (matched[1][beyond] != -2).any()
    assert ignored == {True: True, False: False}


def test_crowds_are_no_objects():
    batch = make_batch(SIZES, BOXES)
    crowded = attrs.evolve(batch, targets=attrs.evolve(batch.targets, crowd=batch.targets.labels >= 0))
    assert small_rpn().eval()(crowded, returns="loss")["loss/rpn_box"] == 0


def test_detections_are_in_pixels_of_the_original_image_best_first():
    model, batch = small_rpn(test={"nms_post": 20}).eval(), make_batch(SIZES)
    larger = attrs.evolve(batch, original_sizes=batch.sizes * torch.tensor([2, 3]))
    with torch.no_grad():
        found, scaled = model(batch), model(larger)
    assert [len(each) for each in found] == [20, 20]
    for own, own_scaled, (height, width) in zip(found, scaled, SIZES, strict=True):
        assert (own.scores.diff() <= 0).all() and (own.labels == 0).all()
        assert (own.boxes >= 0).all() and (own.boxes <= torch.tensor([width, height, width, height])).all()
        torch.testing.assert_close(own_scaled.boxes, own.boxes * torch.tensor([3.0, 2.0, 3.0, 2.0]))


def test_small_and_unlikely_boxes_go():
    batch = make_batch(SIZES)
    with torch.no_grad():
        large = small_rpn(test={"min_size": 24.0}).eval()(batch)
        none = small_rpn(test={"min_score": 1.0}).eval()(batch)
    assert all((each.boxes[:, 2:] - each.boxes[:, :2]).min() >= 24 for each in large)
    assert [len(each) for each in none] == [0, 0]


def test_autocast_reaches_the_network_but_not_the_losses():
    model, batch = small_rpn().train(), make_batch(SIZES, BOXES)
    exact = model(batch)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        predictions, rough = model.predict(batch), model(batch)
    assert predictions.logits.dtype == torch.bfloat16
    for name, value in rough.items():
        assert value.dtype == torch.float32
        torch.testing.assert_close(value, exact[name], rtol=0.05, atol=1e-3)


def test_losses_without_targets_are_refused():
    with pytest.raises(ValueError, match="need a batch with targets"):
        small_rpn().train()(make_batch(SIZES))


def test_settings_beside_the_model_replace_those_inside():
    table = small_table(test={"nms_post": 9, "nms_iou": 0.5})
    model = build_detector(table, train={"average": "quota"}, test={"nms_post": 3})
    assert (model.spec.test.nms_post, model.spec.test.nms_iou, model.spec.train.average) == (3, 0.5, "quota")


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"neck": None}, "neck"),
        ({"neck": {"type": "FPN", "start_level": 2}}, "neck.start_level"),
        ({"neck": [{"type": "FPN"}, {"type": "FPN", "start_level": 5}]}, "neck.1.start_level"),
        ({"rpn_head": {"anchors": {"sizes": [[32.0]]}}}, "rpn_head.anchors.sizes"),
        ({"rpn_head": {"anchors": {"sizes": [[32.0], [64.0], [90.0, 128.0]]}}}, "rpn_head.anchors.sizes"),
    ],
)
def test_parts_that_do_not_fit_are_told_before_anything_is_built(changes, path):
    with pytest.raises(SpecError) as caught:
        build_detector(small_table(**changes))
    assert [problem.path for problem in caught.value.problems] == [path]


@pytest.mark.parametrize("changes", [
    {"neck": None, "backbone": {"type": "ResNet", "depth": 18, "base_channels": 8, "out_stages": [3]}},
    {"neck": [{"type": "FPN", "out_channels": 8}, {"type": "FPN", "out_channels": 16}]},
    {"rpn_head": {"feat_channels": 8, "num_convs": 3}},
])  # fmt: skip
def test_other_arrangements_train(changes):
    model, batch = small_rpn(**changes).train(), make_batch(SIZES, BOXES)
    sum(model(batch).values()).backward()
    assert all(each.grad is not None for each in model.parameters() if each.requires_grad)
