import numpy as np
import pytest
import torch

from specdet.evaluation.curves import area, at_points, precision_and_recall
from specdet.evaluation.spec import VocMAPSpec
from specdet.structures import Detections


def slow_iou(one, other):
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(width, 0) * max(height, 0)
    both = sum((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in (one, other))
    return shared / (both - shared)


def slow_average_precision(world, label, *, iou, points):
    """VOC's own procedure, one detection of the whole set after the other."""
    category = world.ground_truth["categories"][label]["id"]
    objects = {}
    for each in world.ground_truth["annotations"]:
        if each["category_id"] == category:
            x, y, width, height = each["bbox"]
            objects.setdefault(each["image_id"], []).append([(x, y, x + width, y + height), each["iscrowd"], False])
    total = sum(not crowd for own in objects.values() for _, crowd, _ in own)
    rows = [
        (score, image["id"], box)
        for image in world.ground_truth["images"]
        for found in [world.detections[image["id"]]]
        for box, score, own in zip(found.boxes.tolist(), found.scores.tolist(), found.labels.tolist(), strict=True)
        if own == label
    ]
    curve, right, wrong = [], 0, 0
    for _, image_id, box in sorted(rows, key=lambda row: -row[0]):
        overlaps = [slow_iou(box, other) for other, _, _ in objects.get(image_id, [])]
        best = max(range(len(overlaps)), key=overlaps.__getitem__, default=None)
        if best is not None and overlaps[best] >= iou:
            target = objects[image_id][best]
            if target[1]:
                continue
            right, wrong = (right, wrong + 1) if target[2] else (right + 1, wrong)
            target[2] = True
        else:
            wrong += 1
        curve.append((right / total, right / (right + wrong)))
    if points:
        wanted = [number / 10 for number in range(11)]
        return sum(max((p for r, p in curve if r >= each - 1e-12), default=0) for each in wanted) / 11
    steps, before = 0.0, 0.0
    for place, (recall, _) in enumerate(curve):
        steps += (recall - before) * max(p for _, p in curve[place:])
        before = recall
    return steps


@pytest.mark.parametrize("curve", ["area", "11_points"])
@pytest.mark.parametrize("iou", [0.5, 0.75])
@pytest.mark.parametrize("seed", range(3))
def test_the_numbers_are_those_of_a_slow_loop(make_world, seed, iou, curve):
    world = make_world(seed, crowd=0.3)
    spec = VocMAPSpec(iou_threshold=iou, curve=curve, per_class=True)
    got = spec.build(ground_truth=world.ground_truth).evaluate(world.detections)
    expected = [slow_average_precision(world, label, iou=iou, points=curve != "area") for label in range(3)]
    assert [got[f"AP/class{each}"] for each in (3, 1, 7)] == pytest.approx(expected, abs=1e-12)
    assert got["mAP"] == pytest.approx(np.mean(expected), abs=1e-12)
    assert 0 < got["mAP"] < 1


def test_a_curve_by_hand():
    """Right, wrong, right of three objects: precision 1, 1/2, 2/3 at recall 1/3, 1/3, 2/3."""
    precision, recall = precision_and_recall(np.array([True, False, True]), objects=3)
    assert precision.tolist() == pytest.approx([1, 1 / 2, 2 / 3])
    assert recall.tolist() == pytest.approx([1 / 3, 1 / 3, 2 / 3])
    assert area(precision, recall) == pytest.approx(1 / 3 + 2 / 9)
    assert at_points(precision, recall, points=11) == pytest.approx((4 * 1 + 3 * 2 / 3) / 11)  # 0 to .3, .4 to .6
    none = np.zeros(0, dtype=np.bool_)
    assert area(*precision_and_recall(none, objects=3)) == at_points(*precision_and_recall(none, objects=3), points=11)


def test_a_recall_of_three_tenths_reaches_that_point():
    precision, recall = precision_and_recall(np.ones(3, dtype=np.bool_), objects=10)
    assert at_points(precision, recall, points=11) == pytest.approx(4 / 11)


def test_difficult_objects_are_neither_to_be_found_nor_wrong(make_table):
    objects = [
        {"id": number, "image_id": 1, "category_id": 0, "bbox": [100 * number, 0, 50, 50], "area": 1, "iscrowd": hard}
        for number, hard in enumerate((0, 1))
    ]
    evaluator = VocMAPSpec().build(ground_truth=make_table(images=[1], annotations=objects, category_ids=(0,)))
    boxes = torch.tensor([[100.0, 0, 150, 50], [105, 0, 150, 50], [0, 0, 50, 50]])
    found = Detections(boxes=boxes, scores=torch.tensor([0.9, 0.8, 0.7]), labels=torch.zeros(3).long())
    assert evaluator.evaluate({1: found}) == {"mAP": 1.0}
    assert evaluator.evaluate({}) == {"mAP": 0.0}


def test_classes_without_objects_do_not_count(make_table):
    one = [{"id": 1, "image_id": 1, "category_id": 5, "bbox": [0, 0, 9, 9], "area": 1, "iscrowd": 0}]
    evaluator = VocMAPSpec(per_class=True).build(
        ground_truth=make_table(images=[1], annotations=one, category_ids=(4, 5))
    )
    found = Detections(boxes=torch.tensor([[0.0, 0, 9, 9]] * 2), scores=torch.ones(2), labels=torch.tensor([0, 1]))
    assert evaluator.evaluate({1: found}) == {"mAP": 1.0, "AP/class5": 1.0}
    nothing = VocMAPSpec().build(ground_truth=make_table(images=[1], annotations=[], category_ids=(4,)))
    assert nothing.evaluate({}) == {}


@pytest.mark.parametrize("name", ["VocMAP", "ConfusionMatrix", "ErrorBreakdown"])
def test_detections_of_another_data_set_are_refused(make_world, name, caplog):
    from specdet.registry import Registry

    world = make_world(0)
    evaluator = Registry("evaluator").get(name)().build(ground_truth=world.ground_truth)
    expected = evaluator.evaluate(world.detections)
    found = max(world.detections.values(), key=len)
    for change in ({"boxes": found.boxes * float("nan")}, {"scores": found.scores * float("inf")}):
        broken = Detections(**{"boxes": found.boxes, "scores": found.scores, "labels": found.labels} | change)
        spoilt = {key: broken if each is found else each for key, each in world.detections.items()}
        assert evaluator.evaluate(spoilt) != expected
        assert f"{len(found)} detections are not finite" in caplog.text
    with pytest.raises(ValueError, match="123456"):
        evaluator.evaluate({123456: found})
    other = Detections(boxes=found.boxes, scores=found.scores, labels=found.labels + 4)
    with pytest.raises(ValueError, match=r"tells at least \d classes apart, the data set has 3"):
        evaluator.evaluate({next(iter(world.detections)): other})
