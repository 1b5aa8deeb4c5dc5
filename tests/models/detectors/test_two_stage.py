"""The training step and the detections of small two-stage detectors."""

from collections import Counter
from typing import Any

import attrs
import pytest
import torch

from specdet.models.detectors.build import build_detector
from specdet.spec import SpecError
from specdet.structures import Batch
from tests.models.batches import make_batch, make_targets
from tests.models.two_stage import two_stage, two_stage_table
from tests.models.waiting import allowed_waits, refused_waits, waits_of_a_step

DETECTORS = ("FastRCNN", "FasterRCNN", "CascadeRCNN")
SIZES = [(90, 120), (130, 70)]
BOXES = [[[10.0, 12, 50, 60], [60, 30, 100, 80], [5, 40, 30, 84]], [[20.0, 20, 52, 90]]]


def batch_of(
    sizes: list[tuple[int, int]] = SIZES, boxes: list[list[list[float]]] | None = None, *, proposals: int = 40
) -> Batch:
    """With proposals, which are boxes of the image and, at the end, an unused slot."""
    batch = make_batch(sizes, BOXES if boxes is None else boxes)
    generator = torch.Generator().manual_seed(0)
    corners = torch.rand(len(sizes), proposals, 2, 2, generator=generator) * batch.sizes.flip(-1)[:, None, None]
    found = corners.sort(dim=2).values.flatten(2)
    found[:, -1:] = 0
    return attrs.evolve(batch, proposals=found)


@pytest.mark.parametrize("detector", DETECTORS)
@pytest.mark.parametrize("slots", [0, 3])
def test_images_without_objects_train_background_and_keep_all_parameters_in_the_graph(detector, slots):
    model = two_stage(detector).train()
    losses = model(attrs.evolve(batch_of(), targets=make_targets([[], []], slots=slots)))
    sum(losses.values()).backward()
    assert all((value == 0) == name.endswith("box") for name, value in losses.items())
    trained = [each for each in model.parameters() if each.requires_grad]
    assert all(each.grad is not None and each.grad.isfinite().all() for each in trained)


@pytest.mark.parametrize("detector", DETECTORS)
def test_neither_objects_nor_proposals_give_finite_losses(detector):
    changes: dict[str, Any] = {} if detector == "FastRCNN" else {"train": {"proposals": {"min_score": 1.0}}}
    model = two_stage(detector, **changes).train()
    batch = attrs.evolve(batch_of(), targets=make_targets([[], []]), proposals=torch.zeros(2, 0, 4))
    losses = model(batch)
    sum(losses.values()).backward()
    assert all(value == 0 for name, value in losses.items() if "rpn" not in name)
    assert all(each.grad is None or each.grad.isfinite().all() for each in model.parameters())
    if detector == "FastRCNN":
        assert [len(each) for each in model.eval()(batch)] == [0, 0]


HARD = {
    "a box of one pixel": ([(64, 64)], [[[3.0, 3, 4, 4]]]),
    "an image of 16 x 4000 px": ([(16, 4000)], [[[100.0, 2, 3000, 14]]]),
    "500 boxes": ([(90, 120)], [[[i % 100, i % 70, i % 100 + 8.0, i % 70 + 9.0] for i in range(500)]]),
    "a box as large as the image": ([(90, 120)], [[[0.0, 0, 120, 90]]]),
}


@pytest.mark.parametrize("detector", DETECTORS)
@pytest.mark.parametrize("case", HARD)
def test_hard_images_train_and_are_detected_in(detector, case):
    model, batch = two_stage(detector).train(), batch_of(*HARD[case])
    losses = model(batch)
    sum(losses.values()).backward()
    assert all(value.isfinite() for value in losses.values())
    assert all(each.grad.isfinite().all() for each in model.parameters() if each.grad is not None)
    with torch.no_grad():
        (found,) = model.eval()(batch)
    height, width = HARD[case][0][0]
    assert len(found) > 0 and (found.boxes <= torch.tensor([width, height, width, height])).all()


@pytest.mark.parametrize("detector", DETECTORS)
@pytest.mark.parametrize("changes", [
    {},
    {"train": {"roi": {"add_truth": False, "loss_normalizer": "global"}}},
    {"resample": False, "scale_gradients": True},
])  # fmt: skip
def test_a_training_step_waits_only_where_boxes_are_suppressed(detector, changes):
    changes = dict(changes)
    stages = {key: changes.pop(key) for key in ("resample", "scale_gradients") if key in changes}
    if detector == "CascadeRCNN":
        changes["roi_head"] = stages
    model, batch = two_stage(detector, **changes), batch_of()
    waits, _ = waits_of_a_step(model, batch)
    assert waits == Counter(nms_survivors=0 if detector == "FastRCNN" else 1)


def test_losses_are_divided_by_what_was_sampled_unless_counts_are_given():
    model, batch = two_stage().eval(), batch_of()
    losses = model(batch, returns="loss")
    assert set(model.normalizers(batch)) == {"loss/rpn_cls", "loss/rpn_box"}
    count = 64 * 2
    given = {name: torch.tensor(float(2 * count)) for name in losses}
    halved = model(attrs.evolve(batch, normalizers=given), returns="loss")
    torch.testing.assert_close(halved["loss/cls"], losses["loss/cls"] / 2)
    torch.testing.assert_close(halved["loss/box"], losses["loss/box"] / 2)
    only_rpn = model(attrs.evolve(batch, normalizers=model.normalizers(batch)), returns="loss")
    for name, value in losses.items():
        torch.testing.assert_close(only_rpn[name], value)


@pytest.mark.parametrize("detector", DETECTORS)
def test_detections_are_in_pixels_of_the_original_image_best_first(detector):
    model, batch = two_stage(detector, test={"roi": {"max_detections": 20, "min_score": 0.0}}).eval(), batch_of()
    larger = attrs.evolve(batch, original_sizes=batch.sizes * torch.tensor([2, 3]))
    with torch.no_grad():
        found, scaled = model(batch), model(larger)
    assert [len(each) for each in found] == [20, 20]
    for own, own_scaled, (height, width) in zip(found, scaled, SIZES, strict=True):
        assert (own.scores.diff() <= 0).all() and set(own.labels.tolist()) <= {0, 1, 2}
        assert (own.boxes >= 0).all() and (own.boxes <= torch.tensor([width, height, width, height])).all()
        torch.testing.assert_close(own_scaled.boxes, own.boxes * torch.tensor([3.0, 2.0, 3.0, 2.0]))


@pytest.mark.parametrize("detector", DETECTORS)
def test_an_image_is_told_the_same_alone_and_among_others(detector):
    """Padding changes the features of a network that sees it, so both images have the size of the batch."""
    model, both = two_stage(detector).eval(), batch_of([(96, 128), (96, 128)])
    alone = attrs.evolve(both, **{
        name: getattr(both, name)[:1]
        for name in ("images", "sizes", "original_sizes", "image_ids", "keys", "proposals")
    }, targets=make_targets(BOXES[:1]))  # fmt: skip
    with torch.no_grad():
        (found,), (expected, _) = model(alone), model(both)
    torch.testing.assert_close(found.scores, expected.scores)
    torch.testing.assert_close(found.boxes, expected.boxes, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("detector", DETECTORS)
def test_autocast_reaches_the_network_but_not_the_losses(detector):
    model, batch = two_stage(detector).train(), batch_of()
    exact = model(batch)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = model(batch)
    for name, value in rough.items():
        assert value.dtype == torch.float32
        torch.testing.assert_close(value, exact[name], rtol=0.1, atol=0.02)


@pytest.mark.parametrize("returns", ["loss", "detections"])
def test_fast_rcnn_asks_for_proposals(returns):
    with pytest.raises(ValueError, match="this batch brings no proposals"):
        two_stage("FastRCNN")(make_batch(SIZES, BOXES), returns=returns)


def test_fast_rcnn_looks_at_its_proposals_alone():
    model = two_stage("FastRCNN", test={"roi": {"nms_iou": 1.0, "min_score": 0.0, "max_detections": 1000}}).eval()
    with torch.no_grad():
        model.roi_head.bbox_head.fc_reg.weight.zero_()
        batch = batch_of()
        found = model(batch)
    for own, proposals in zip(found, batch.proposals, strict=True):
        assert len(own) == 3 * (len(proposals) - 1)  # each of them as each class, but for the unused slot
        torch.testing.assert_close(own.boxes.sort(dim=0).values[::3], proposals[:-1].sort(dim=0).values)


@pytest.mark.parametrize(
    ("detector", "changes", "path"),
    [
        ("FasterRCNN", {"neck": {"start_level": 2}}, "neck.start_level"),
        ("FasterRCNN", {"rpn_head": {"anchors": {"sizes": [[32.0]]}}}, "rpn_head.anchors.sizes"),
        ("FastRCNN", {"neck": {"start_level": 2}}, "neck.start_level"),
        ("FasterRCNN", {"roi_head": {"bbox_head": {"stages": {}}}}, "roi_head.bbox_head.stages"),
        ("CascadeRCNN", {"roi_head": {"stages": {"stage1": {"bbox_head": {"num_convs": -1}}}}},
         "roi_head.stages.stage1.bbox_head.num_convs"),
        ("CascadeRCNN", {"roi_head": {"stages": {"stage1": {"assigner": {"pos_iou": 0.4}}}}},
         "roi_head.stages.stage1.assigner.neg_iou"),
    ],
)  # fmt: skip
def test_parts_that_do_not_fit_are_told_before_anything_is_built(detector, changes, path):
    with pytest.raises(SpecError) as caught:
        build_detector(two_stage_table(detector, **changes))
    assert [problem.path for problem in caught.value.problems] == [path]


@pytest.mark.parametrize(
    ("detector", "head", "message"),
    [
        ("FasterRCNN", "CascadeRoIHead", "use it in a CascadeRCNN"),
        ("FastRCNN", "CascadeRoIHead", "use it in a CascadeRCNN"),
        ("CascadeRCNN", "StandardRoIHead", "has no stages; a cascade needs a head that has"),
    ],
)
def test_a_head_in_stages_belongs_to_a_cascade(detector, head, message):
    table = {**two_stage_table(detector), "roi_head": {"type": head}}
    with pytest.raises(SpecError, match=message) as caught:
        build_detector(table)
    assert [problem.path for problem in caught.value.problems] == ["roi_head.type"]


def test_the_number_of_classes_must_be_known():
    with pytest.raises(ValueError, match="the number of classes is not known"):
        build_detector({key: value for key, value in two_stage_table().items() if key != "num_classes"})


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("detector", DETECTORS)
def test_a_gpu_waits_only_where_boxes_are_suppressed(detector, monkeypatch):
    from specdet.boxes import nms

    survivors = nms.survivors

    def suppress(*args: Any) -> torch.Tensor:
        with allowed_waits():
            return survivors(*args)

    model, batch = two_stage(detector).cuda().train(), batch_of().to("cuda")
    sum(model(batch).values()).backward()
    with monkeypatch.context() as patch, refused_waits():
        patch.setattr(f"{nms.__name__}.survivors", suppress)
        sum(model(batch).values()).backward()
    exact = two_stage(detector).train()(batch_of())
    for name, value in two_stage(detector).cuda().train()(batch).items():
        torch.testing.assert_close(value.cpu(), exact[name], rtol=0.02, atol=1e-3)
