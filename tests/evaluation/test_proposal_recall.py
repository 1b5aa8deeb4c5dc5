import numpy as np
import pytest
import torch

from specdet.evaluation.spec import ProposalRecallSpec
from specdet.spec import SpecError
from specdet.structures import Detections

AREAS = ("small", "medium", "large")


def mean(values):
    return values[values > -1].mean()


@pytest.mark.parametrize("seed", range(4))
def test_recall_is_that_of_pycocotools(seed, make_world, pycocotools_counts):
    world, limits = make_world(seed), (1, 5, 20)
    recall = pycocotools_counts(world, limits=limits, class_agnostic=True).eval["recall"]
    names = ["", *(f"_{area}" for area in AREAS)]
    expected = {
        f"AR@{limit}{name}": mean(recall[:, :, size, place])
        for place, limit in enumerate(limits)
        for size, name in enumerate(names)
    }
    got = ProposalRecallSpec(limits=limits).build(ground_truth=world.ground_truth).evaluate(world.detections)
    assert list(got) == list(expected)
    assert got == pytest.approx(expected, rel=0, abs=1e-12)
    assert 0 < got["AR@1"] < got["AR@20"] <= 1


def test_default_names(make_world):
    world = make_world(0)
    got = ProposalRecallSpec().build(ground_truth=world.ground_truth).evaluate(world.detections)
    sizes = ["", "_small", "_medium", "_large"]
    assert list(got) == [f"AR@{limit}{size}" for limit in (100, 300, 1000) for size in sizes]


def test_recall_by_hand(make_table):
    """Two objects, one found at IoU 0.64: recalled at 3 of 10 thresholds, so the mean is 3/10 of a half."""
    boxes = [[0, 0, 10, 10], [100, 100, 10, 10]]
    annotations = [
        {"id": 1 + i, "image_id": 5, "category_id": 1, "bbox": box, "area": 100, "iscrowd": 0}
        for i, box in enumerate(boxes)
    ]
    evaluator = ProposalRecallSpec().build(ground_truth=make_table(images=[5], annotations=annotations))
    found = Detections(
        boxes=torch.tensor([[0.0, 0, 8, 8]]), scores=torch.ones(1), labels=torch.zeros(1, dtype=torch.long)
    )
    got = evaluator.evaluate({5: found})
    names = [f"AR@{limit}{size}" for limit in (100, 300, 1000) for size in ("", "_small")]
    assert got == pytest.approx(dict.fromkeys(names, 0.15))


def test_thresholds_and_areas_are_those_of_the_spec(make_world, pycocotools_counts):
    world = make_world(7)
    spec = ProposalRecallSpec(limits=(20,), iou_thresholds=(0.5, 0.75), areas={"tiny": (0, 400)})
    got = spec.build(ground_truth=world.ground_truth).evaluate(world.detections)
    counting = pycocotools_counts(world, limits=(20,), class_agnostic=True)
    assert got["AR@20"] == pytest.approx(counting.eval["recall"][[0, 5], :, 0, 0].mean(), abs=1e-12)
    assert set(got) == {"AR@20", "AR@20_tiny"}
    tiny = sum(each["area"] <= 400 and not each["iscrowd"] for each in world.ground_truth["annotations"])
    assert got["AR@20_tiny"] * tiny * 2 == pytest.approx(round(got["AR@20_tiny"] * tiny * 2))


def test_no_detections_at_all_recall_nothing(make_world):
    world = make_world(0)
    got = ProposalRecallSpec(limits=(10,)).build(ground_truth=world.ground_truth).evaluate({})
    assert set(got.values()) == {0.0}
    assert "AR@10" in got


def test_without_ground_truth_there_is_no_metric_and_the_log_says_why(make_world, caplog):
    world = make_world(0)
    world.ground_truth["annotations"] = []
    with caplog.at_level("INFO"):
        got = ProposalRecallSpec().build(ground_truth=world.ground_truth).evaluate(world.detections)
    assert got == {}
    assert "AR@100 is left out: the ground truth has no object" in caplog.text


def test_a_size_that_does_not_occur_is_left_out(make_world):
    world = make_world(0)
    world.ground_truth["annotations"] = [each for each in world.ground_truth["annotations"] if each["area"] < 32**2]
    got = ProposalRecallSpec().build(ground_truth=world.ground_truth).evaluate(world.detections)
    assert set(got) == {f"AR@{limit}{size}" for limit in (100, 300, 1000) for size in ("", "_small")}
    assert all(np.isfinite(value) for value in got.values())


@pytest.mark.parametrize(
    "options", [{"limits": ()}, {"limits": (300, 100)}, {"iou_thresholds": (0.9, 0.5)}, {"areas": {"a": (5.0, 2.0)}}]
)
def test_nonsense_is_refused(options):
    with pytest.raises(SpecError):
        ProposalRecallSpec(**options)
