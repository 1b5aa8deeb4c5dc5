import copy
import gc

import numpy as np
import pytest
import torch

from specdet.evaluation import coco
from specdet.evaluation.spec import CocoBoxSpec
from specdet.spec import SpecError

AREAS = ("small", "medium", "large")


def mean(values):
    return values[values > -1].mean()


def reference(counting):
    precision, recall = counting.eval["precision"][..., -1], counting.eval["recall"][..., -1]
    found = {"AP": mean(precision[..., 0]), "AP50": mean(precision[0, ..., 0]), "AP75": mean(precision[5, ..., 0])}
    found |= {f"AP_{area}": mean(precision[..., 1 + place]) for place, area in enumerate(AREAS)}
    limits = counting.params.maxDets
    found |= {f"AR@{limit}": mean(counting.eval["recall"][..., 0, place]) for place, limit in enumerate(limits)}
    return found | {f"AR@{limits[-1]}_{area}": mean(recall[..., 1 + place]) for place, area in enumerate(AREAS)}


@pytest.mark.parametrize("class_agnostic", [False, True])
@pytest.mark.parametrize("limits", [[1, 10, 100], [1, 7], [1]])
@pytest.mark.parametrize("seed", range(3))
def test_precision_and_recall_are_those_of_pycocotools(seed, limits, class_agnostic, make_world, pycocotools_counts):
    world = make_world(seed)
    expected = reference(pycocotools_counts(world, limits=limits, class_agnostic=class_agnostic))
    spec = CocoBoxSpec(max_detections=limits[-1], class_agnostic=class_agnostic)
    got = spec.build(ground_truth=world.ground_truth).evaluate(world.detections)
    assert list(got) == list(expected)
    assert got == pytest.approx(expected, rel=0, abs=1e-12)
    assert 0 < got["AP"] < got["AP50"] < 1


def test_the_summary_of_pycocotools_says_the_same(make_world, pycocotools_counts, capsys):
    world = make_world(11)
    counting = pycocotools_counts(world, limits=[1, 10, 100], class_agnostic=False)
    counting.summarize()
    got = CocoBoxSpec().build(ground_truth=world.ground_truth).evaluate(world.detections)
    recall = ("AR@1", "AR@10", "AR@100", *(f"AR@100_{area}" for area in AREAS))
    names = ("AP", "AP50", "AP75", *(f"AP_{area}" for area in AREAS), *recall)
    assert [got[name] for name in names] == pytest.approx(counting.stats, rel=0, abs=1e-12)
    assert len(counting.stats) == len(got) == 12


def test_classes_are_in_label_order_whatever_their_ids(make_world, pycocotools_counts):
    world = make_world(3, category_ids=(30, 2, 11))
    counts = pycocotools_counts(world, limits=[100], class_agnostic=False).eval
    precision, recall = counts["precision"], counts["recall"]
    got = CocoBoxSpec(per_class=True).build(ground_truth=world.ground_truth).evaluate(world.detections)
    for place, category_id in enumerate((2, 11, 30)):  # pycocotools counts in ascending order of ids
        assert got[f"AP/class{category_id}"] == pytest.approx(mean(precision[:, :, place, 0, 0]), rel=0, abs=1e-12)
        assert got[f"AP50/class{category_id}"] == pytest.approx(mean(precision[0, :, place, 0, 0]), rel=0, abs=1e-12)
        assert got[f"AP75/class{category_id}"] == pytest.approx(mean(precision[5, :, place, 0, 0]), rel=0, abs=1e-12)
        assert got[f"AR@100/class{category_id}"] == pytest.approx(mean(recall[:, place, 0, 0]), rel=0, abs=1e-12)
    assert len({got[f"AP/class{category_id}"] for category_id in (2, 11, 30)}) == 3


def test_a_class_without_objects_has_no_ap_and_does_not_count(make_world):
    world = make_world(4)
    world.ground_truth["annotations"] = [each for each in world.ground_truth["annotations"] if each["category_id"] != 1]
    got = CocoBoxSpec(per_class=True).build(ground_truth=world.ground_truth).evaluate(world.detections)
    assert "AP/class1" not in got
    assert got["AP"] == pytest.approx((got["AP/class3"] + got["AP/class7"]) / 2, abs=1e-12)


def test_thresholds_without_50_have_no_ap50(make_world):
    world = make_world(0)
    got = CocoBoxSpec(iou_thresholds=(0.6, 0.75)).build(ground_truth=world.ground_truth).evaluate(world.detections)
    assert "AP50" not in got
    assert "AP75" in got


def test_perfect_detections_score_one_and_no_detections_zero(make_world):
    world = make_world(5, crowd=0)
    ids = [category["id"] for category in world.ground_truth["categories"]]
    for image_id, found in world.detections.items():
        objects = [each for each in world.ground_truth["annotations"] if each["image_id"] == image_id]
        boxes = torch.tensor([each["bbox"] for each in objects], dtype=torch.float64).reshape(-1, 4)
        found.boxes = torch.cat([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], dim=1).float()
        found.labels = torch.tensor([ids.index(each["category_id"]) for each in objects], dtype=torch.long)
        found.scores = torch.ones(len(objects))
    evaluator = CocoBoxSpec().build(ground_truth=world.ground_truth)
    got = evaluator.evaluate(world.detections)
    assert 0 < got.pop("AR@1") < 1  # images have several objects of a class
    assert got == pytest.approx(dict.fromkeys(got, 1.0))
    assert set(evaluator.evaluate({}).values()) == {0.0}


def test_an_object_with_the_id_0_counts_like_any_other(make_world):
    world = make_world(2)
    expected = CocoBoxSpec().build(ground_truth=world.ground_truth).evaluate(world.detections)
    for annotation in world.ground_truth["annotations"]:
        annotation["id"] -= 1
    assert CocoBoxSpec().build(ground_truth=world.ground_truth).evaluate(world.detections) == expected


def test_nothing_is_printed_and_the_ground_truth_stays_as_it_was(make_world, capfd):
    world = make_world(6)
    before = copy.deepcopy(world.ground_truth)
    evaluator = CocoBoxSpec().build(ground_truth=world.ground_truth)
    first = evaluator.evaluate(world.detections)
    assert evaluator.evaluate(world.detections) == first
    assert world.ground_truth == before
    assert capfd.readouterr().out == ""


def test_detections_that_are_not_numbers_are_left_out_with_a_warning(make_world, caplog):
    world = make_world(8)
    expected = CocoBoxSpec().build(ground_truth=world.ground_truth).evaluate(world.detections)
    found = max(world.detections.values(), key=len)
    found.boxes = torch.cat([found.boxes, torch.full((1, 4), float("nan"))])
    found.scores = torch.cat([found.scores, torch.ones(1)])
    found.labels = torch.cat([found.labels, torch.zeros(1, dtype=torch.long)])
    got = CocoBoxSpec().build(ground_truth=world.ground_truth).evaluate(world.detections)
    assert got == expected
    assert "1 detections are not finite" in caplog.text


def test_detections_of_another_data_set_are_refused(make_world):
    world = make_world(0)
    world.detections[123456] = next(iter(world.detections.values()))
    with pytest.raises(ValueError, match="123456"):
        CocoBoxSpec().build(ground_truth=world.ground_truth).evaluate(world.detections)


def test_labels_of_another_data_set_are_refused_unless_classes_do_not_matter(make_world):
    world = make_world(0)
    found = max(world.detections.values(), key=len)
    found.labels = found.labels + 4
    with pytest.raises(ValueError, match=r"tells at least \d classes apart, the data set has 3"):
        CocoBoxSpec().build(ground_truth=world.ground_truth).evaluate(world.detections)
    assert CocoBoxSpec(class_agnostic=True).build(ground_truth=world.ground_truth).evaluate(world.detections)


def test_a_data_set_without_categories_is_refused(make_table):
    with pytest.raises(ValueError, match="no categories"):
        CocoBoxSpec().build(ground_truth=make_table(images=[1], annotations=[], category_ids=()))


def test_per_class_needs_classes():
    with pytest.raises(SpecError, match="per_class"):
        CocoBoxSpec(class_agnostic=True, per_class=True)


def test_default_thresholds_are_those_of_coco():
    np.testing.assert_allclose(CocoBoxSpec().iou_thresholds, np.linspace(0.5, 0.95, 10), rtol=0, atol=1e-15)


def test_counting_makes_its_many_objects_without_a_search_for_cycles(make_world, monkeypatch):
    world = make_world(0)
    evaluator = CocoBoxSpec().build(ground_truth=world.ground_truth)
    seen = []
    for name in ("evaluate", "accumulate"):
        done = getattr(coco.COCOeval_faster, name)
        monkeypatch.setattr(
            coco.COCOeval_faster, name, lambda self, done=done: [seen.append(gc.isenabled()), done(self)][1]
        )
    evaluator.evaluate(world.detections)
    assert seen == [False, False]
