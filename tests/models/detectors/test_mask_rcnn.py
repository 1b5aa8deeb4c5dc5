"""Detectors of masks: what is learned of which objects, what is given, and what must not break them."""

import attrs
import pytest
import torch

from specdet.boxes.nms import Kept
from specdet.models.detectors.build import build_detector
from specdet.models.roi_heads.base import Found
from specdet.models.roi_heads.mask_head import MaskHead
from specdet.models.roi_heads.masks import positives
from specdet.models.roi_heads.sample import Proposals
from specdet.models.roi_heads.spec import MaskHeadSpec, StandardRoIHeadSpec
from specdet.spec import SpecError
from tests.models.batches import make_batch
from tests.models.mask_rcnn import mask_detector, with_masks
from tests.models.torchvision_two_stage import labelled_batch
from tests.models.two_stage import two_stage, two_stage_table
from tests.models.waiting import waits_of_a_step

DETECTORS = ["MaskRCNN", "CascadeMaskRCNN"]
SIZES = [(64, 96), (50, 70)]
BOXES = [[[4.0, 8, 40, 50], [20, 20, 90, 60]], [[10.0, 10, 60, 45]]]


def batch():
    return with_masks(labelled_batch(SIZES, BOXES, [[0, 2], [1]]))


@pytest.mark.parametrize(
    ("detector", "head", "names"),
    [
        ("MaskRCNN", {}, {"loss/mask"}),
        ("CascadeMaskRCNN", {}, {"loss/stage1_mask", "loss/stage2_mask"}),
        ("CascadeMaskRCNN", {"masks": "once"}, {"loss/mask"}),
    ],
)
def test_every_weight_is_trained_and_losses_are_named(detector, head, names):
    model = mask_detector(detector, roi_head=head).train()
    losses = model(batch())
    assert {name for name in losses if name.endswith("mask")} == names
    sum(losses.values()).backward()
    assert all(parameter.grad is not None for parameter in model.parameters() if parameter.requires_grad)
    of_masks = [value for name, value in model.named_parameters() if "mask_head" in name]
    assert all(parameter.grad.abs().sum() > 0 for parameter in of_masks)
    assert len(of_masks) == 6 * len([name for name in names if name != "loss/mask"] or [0])


@pytest.mark.parametrize(("detector", "head"), [("MaskRCNN", {}), ("CascadeMaskRCNN", {}),
                                                ("CascadeMaskRCNN", {"masks": "once"})])  # fmt: skip
def test_a_training_step_waits_for_suppression_alone(detector, head):
    waits, _ = waits_of_a_step(mask_detector(detector, roi_head=head).train(), batch())
    assert waits == {"nms_survivors": 1}


@pytest.mark.parametrize("detector", DETECTORS)
@torch.no_grad()
def test_masks_are_of_the_original_image_and_lie_in_their_boxes(detector):
    model = mask_detector(detector).eval()
    given = attrs.evolve(batch(), original_sizes=torch.tensor([(128, 192), (25, 35)]))
    for found, size in zip(model(given), ((128, 192), (25, 35)), strict=True):
        assert len(found) > 0
        assert found.masks.dtype == torch.bool
        assert tuple(found.masks.shape) == (len(found), *size)
        assert found.masks.any()
        for mask, box in zip(found.masks, found.boxes, strict=True):
            rows, columns = mask.nonzero().unbind(1)
            if len(rows):
                ends = torch.stack((columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)).float()
                assert ((ends - box) * torch.tensor([1, 1, -1, -1]) >= -1).all()


def test_an_object_whose_mask_nobody_knows_teaches_its_box_alone():
    model = mask_detector().train()
    whole = batch()
    unknown = whole.targets.masks.clone()
    unknown[0, 1] = 0
    other = attrs.evolve(whole, targets=attrs.evolve(whole.targets, masks=unknown))
    torch.manual_seed(0)
    expected, found = model(whole), model(other)
    for name in expected.keys() - {"loss/mask"}:
        assert torch.equal(expected[name], found[name])
    assert expected["loss/mask"] != found["loss/mask"]
    # By hand: the mean over the positives of the objects that have masks.
    head = model.roi_head
    drawn = []
    draw = head.sample
    head.sample = lambda *args: drawn.append(draw(*args)) or drawn[-1]
    found = model(other)["loss/mask"]
    own = positives(drawn[0])
    logits = head.mask_head(head.mask_roi_extractor(model.features(other), own.boxes))
    each = head.mask_head.loss(logits, own, unknown)
    counts = own.positive & ~((own.slots == 1) & torch.tensor([[True], [False]]))
    assert 0 < counts.sum() < own.positive.sum()
    torch.testing.assert_close(found, each[counts].mean())


def test_a_batch_without_a_known_mask_gives_no_loss_and_no_gradient():
    model = mask_detector().train()
    blank = make_batch(SIZES, [[], []])
    blank = attrs.evolve(blank, targets=attrs.evolve(blank.targets, masks=torch.zeros(2, 1, 64, 96, dtype=torch.uint8)))
    losses = model(blank)
    assert losses["loss/mask"] == 0
    sum(losses.values()).backward()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters() if parameter.requires_grad)


@pytest.mark.parametrize("detector", DETECTORS)
def test_learning_without_masks_is_refused(detector):
    with pytest.raises(ValueError, match="brings no masks"):
        mask_detector(detector).train()(labelled_batch(SIZES, BOXES, [[0, 2], [1]]))


@pytest.mark.parametrize("detector", DETECTORS)
@pytest.mark.parametrize(
    ("sizes", "boxes"),
    [
        ([(64, 64)], [[]]),
        ([(64, 64), (40, 60)], [[], [[3.0, 3, 4, 4]]]),
        ([(96, 96)], [[[i % 60, i // 10, i % 60 + 8 + i % 20, i // 10 + 9 + i % 13] for i in range(500)]]),
        ([(16, 1000)], [[[2.0, 2, 900, 14]]]),
        ([(1, 1)], [[[0.0, 0, 1, 1]]]),
    ],
    ids=["no object", "a pixel", "500 objects", "long", "one pixel"],
)
def test_odd_images_train_and_predict(detector, sizes, boxes):
    model = mask_detector(detector).train()
    given = with_masks(make_batch(sizes, [[[float(x) for x in box] for box in own] for own in boxes]))
    losses = model(given)
    assert all(value.isfinite() for value in losses.values())
    sum(losses.values()).backward()
    with torch.no_grad():
        found = model.eval()(given)
    assert [tuple(each.masks.shape[1:]) for each in found] == sizes


@torch.no_grad()
def test_the_masks_of_a_cascade_are_the_mean_of_its_stages():
    model = mask_detector("CascadeMaskRCNN").eval()
    given = batch()
    features, head = model.features(given), model.roi_head
    found = model(given)
    at = [
        head.with_masks(_found(one), [*head.mask_head], [level[[place]] for level in features])
        for place, one in enumerate(found)
    ]
    alone = [
        head.with_masks(_found(one), [stage], [level[[place]] for level in features]).masks
        for place, one in enumerate(found)
        for stage in head.mask_head
    ]
    for place, mean in enumerate(at):
        assert not torch.allclose(alone[2 * place], alone[2 * place + 1])
        torch.testing.assert_close(mean.masks, (alone[2 * place] + alone[2 * place + 1]) / 2)


def _found(detections):
    kept = Kept(
        indices=torch.arange(len(detections))[None],
        scores=detections.scores[None],
        valid=torch.ones(1, len(detections), dtype=torch.bool),
    )
    return Found(boxes=detections.boxes[None], kept=kept, labels=detections.labels[None])


@pytest.mark.parametrize("norm", ["none", "BN", "GN"])
def test_a_head_has_the_shape_of_its_spec(norm):
    spec = MaskHeadSpec(num_convs=2, channels=8, norm=norm, class_agnostic=norm == "GN")
    head = spec.build(in_channels=16, in_size=7, num_classes=5)
    assert isinstance(head, MaskHead)
    logits = head(torch.randn(3, 16, 7, 7))
    assert logits.shape == (3, 1 if norm == "GN" else 5, 14, 14)
    assert head.of_classes(logits, torch.tensor([4, 0, 5])).shape == (3, 14, 14)
    names = {name.rpartition(".")[0] for name, _ in head.named_parameters()}
    convs = {"convs.0", "convs.1"} if norm == "none" else {f"convs.{i}.{j}" for i in (0, 1) for j in (0, 1)}
    assert names == {*convs, "upsample", "conv_logits"}


def test_binary_targets_are_0_or_1_and_soft_ones_between():
    model = mask_detector()
    given = batch()
    drawn = []
    draw = model.roi_head.sample
    model.roi_head.sample = lambda *args: drawn.append(draw(*args)) or drawn[-1]
    model.train()(given)
    binary = model.roi_head.mask_head.targets(drawn[0], given.targets.masks)
    soft = mask_detector(roi_head={"mask_head": {"targets": "soft"}}).roi_head.mask_head
    assert set(binary.unique().tolist()) == {0.0, 1.0}
    assert len(soft.targets(drawn[0], given.targets.masks).unique()) > 10


@pytest.mark.parametrize(
    ("make", "path", "said"),
    [
        (lambda: two_stage(roi_head={"mask_head": {"type": "MaskHead"}}), "roi_head.mask_head", "gives no masks"),
        (lambda: two_stage("CascadeRCNN", roi_head={"mask_head": {"type": "MaskHead"}}), "roi_head.mask_head",
         "use a MaskRCNN or a CascadeMaskRCNN"),
        (lambda: build_detector({**two_stage_table(), "type": "MaskRCNN", "roi_head": StandardRoIHeadSpec()}),
         "roi_head", "nothing tells them"),
    ],
)  # fmt: skip
def test_masks_and_mask_heads_go_together(make, path, said):
    with pytest.raises(SpecError) as caught:
        make()
    assert any(problem.path == path and said in problem.message for problem in caught.value.problems)


def test_statistics_of_a_mask_head_are_those_of_positives():
    """They are what it sees when it is tested; slots left over repeat them and do not count."""
    model = mask_detector(roi_head={"mask_head": {"norm": "BN"}}).train()
    given = batch()
    with torch.no_grad():
        boxes = given.targets.boxes.repeat(1, 30, 1) + torch.arange(60)[:, None] * 5.0
        sample = model.roi_head.sample(Proposals(boxes=boxes, valid=torch.ones(2, 60).bool()), given)
        own = positives(sample)
    for image in range(2):
        true = sample.boxes[image, sample.positive[image]]
        assert 1 < len(true) < own.boxes.shape[1] == sample.most_positives < len(sample.boxes[image])
        assert torch.equal(own.boxes[image, own.positive[image]], true)
        repeated = own.boxes[image, ~own.positive[image]]
        assert (repeated[:, None] == true).all(-1).any(1).all()
    assert own.positive.sum() == sample.positive.sum()


def test_an_image_without_positives_keeps_its_negatives():
    model, given = mask_detector().train(), batch()
    nothing = attrs.evolve(given.targets, labels=torch.full_like(given.targets.labels, -1))
    proposals = Proposals(boxes=given.targets.boxes.repeat(1, 30, 1) + 1, valid=torch.ones(2, 60).bool())
    sample = model.roi_head.sample(proposals, attrs.evolve(given, targets=nothing))
    assert torch.equal(positives(sample).boxes, sample.boxes[:, : sample.most_positives])
    assert not positives(sample).positive.any()
