import pytest
import torch

from specdet.evaluation.spec import MISTAKES, CocoBoxSpec, ErrorBreakdownSpec
from specdet.spec import SpecError
from specdet.structures import Detections

# tidecv 1.0.1, TIDE().evaluate(gt, predictions, mode=TIDE.BOX): AP, what each kind costs, and how many there are.
TIDE = {
    0: ((0.080378, 0.222691, 0.001405, 0.000203, 0.00021, 0.077464, 0.007168), (104, 8, 3, 8, 226, 8)),
    1: ((0.111623, 0.215369, 0.006944, 0.000444, 0.001419, 0.131678, 0.010243), (96, 5, 5, 21, 214, 7)),
    2: ((0.092794, 0.19114, 0.0, 0.000356, 0.000539, 0.085881, 0.022117), (93, 0, 4, 12, 244, 14)),
    3: ((0.098603, 0.168741, 0.00238, 0.000703, 0.001526, 0.120113, 0.018105), (95, 12, 6, 16, 217, 10)),
}


def without_ties(world):
    """The same with a score of its own for each detection: tidecv orders equal ones in another way each time."""
    before = 0
    for found in world.detections.values():
        scores = [float(score) * 0.9 + (before + place) * 1e-4 for place, score in enumerate(found.scores)]
        found.scores, before = torch.tensor(scores, dtype=torch.float32), before + len(scores)
    return world


@pytest.mark.parametrize("seed", TIDE)
def test_the_numbers_are_those_of_tidecv(make_world, seed):
    world = without_ties(make_world(seed, images=20))
    evaluator = ErrorBreakdownSpec().build(ground_truth=world.ground_truth)
    got = evaluator.evaluate(world.detections)
    assert tuple(got.values()) == pytest.approx(TIDE[seed][0], rel=0, abs=6e-7)
    counts = evaluator.details()["mistakes"]
    assert tuple(sum(counts[mistake]) for mistake in MISTAKES) == TIDE[seed][1]
    coco = CocoBoxSpec().build(ground_truth=world.ground_truth).evaluate(world.detections)
    assert got["AP50"] == pytest.approx(coco["AP50"], abs=1e-12)


OBJECT = (0, 0, 100, 100)


def broken_down(table, *found, objects=((*OBJECT, 0),), crowd=()):
    """One image of two classes: objects as x, y, w, h, class; detections as x, y, w, h, score, class."""
    annotations = [
        {"id": number, "image_id": 1, "category_id": label, "bbox": box, "area": 1, "iscrowd": int(number in crowd)}
        for number, (*box, label) in enumerate(objects)
    ]
    evaluator = ErrorBreakdownSpec().build(ground_truth=table(images=[1], annotations=annotations, category_ids=(0, 1)))
    rows = torch.tensor(found, dtype=torch.float64).reshape(-1, 6)
    boxes = torch.cat([rows[:, :2], rows[:, :2] + rows[:, 2:4]], dim=1).float()
    got = evaluator.evaluate({1: Detections(boxes=boxes, scores=rows[:, 4].float(), labels=rows[:, 5].long())})
    counts = {mistake: sum(own) for mistake, own in evaluator.details()["mistakes"].items()}
    return got, {mistake: count for mistake, count in counts.items() if count}


@pytest.mark.parametrize(
    ("found", "counts", "gains"),
    [
        ([(*OBJECT, 0.9, 0)], {}, {}),
        ([(0, 0, 100, 40, 0.9, 0)], {"localisation": 1}, {"localisation": 1.0}),
        ([(*OBJECT, 0.9, 1)], {"classification": 1}, {"classification": 1.0}),
        ([(0, 0, 100, 40, 0.9, 1)], {"both": 1, "missed": 1}, {"missed": 1.0}),
        ([(*OBJECT, 0.9, 0), (*OBJECT, 0.8, 0)], {"duplicate": 1}, {}),
        ([(500, 0, 9, 9, 0.9, 0), (*OBJECT, 0.8, 0)], {"background": 1}, {"background": 0.5}),
        ([(0, 0, 100, 10, 0.9, 0), (*OBJECT, 0.8, 0)], {"localisation": 1}, {"localisation": 0.5}),  # IoU is 0.1
        ([(0, 0, 100, 9, 0.9, 0), (*OBJECT, 0.8, 0)], {"background": 1}, {"background": 0.5}),
        ([], {"missed": 1}, {"missed": 1.0}),
        # Two mistakes lead to one object: the better one becomes right, the other goes.
        ([(0, 0, 100, 40, 0.9, 0), (0, 0, 100, 45, 0.8, 0)], {"localisation": 2}, {"localisation": 1.0}),
    ],
)
def test_each_mistake_by_itself(make_table, found, counts, gains):
    got, told = broken_down(make_table, *found)
    assert told == counts
    whole = got.pop("AP50")
    assert {name: value for name, value in got.items() if value} == pytest.approx(
        {f"dAP50_{mistake}": gain for mistake, gain in gains.items()}
    )
    assert whole == pytest.approx(1 - max(gains.values(), default=0))


def test_what_lies_in_a_crowd_of_its_class_costs_nothing(make_table):
    objects = ((*OBJECT, 0), (200, 0, 100, 100, 0), (200, 200, 100, 100, 1))
    inside, other = (210, 0, 20, 20, 0.9, 0), (210, 210, 20, 20, 0.9, 0)
    got, told = broken_down(make_table, inside, (*OBJECT, 0.8, 0), objects=objects, crowd=(1, 2))
    assert (got["AP50"], got["dAP50_background"], told) == (1.0, 0.0, {"background": 1})
    got, _ = broken_down(make_table, other, (*OBJECT, 0.8, 0), objects=objects, crowd=(1, 2))
    assert (got["AP50"], got["dAP50_background"]) == (0.5, 0.5)


def test_nothing_is_measured_without_objects(make_table):
    got, told = broken_down(make_table, (*OBJECT, 0.8, 0), objects=())
    assert (got, told) == ({}, {"background": 1})


def test_the_metric_is_called_by_its_threshold(make_table):
    spec = ErrorBreakdownSpec(iou_threshold=0.75)
    assert spec.metric_names[:2] == ("AP75", "dAP75_classification")
    with pytest.raises(SpecError, match=r"background_iou: must be below iou_threshold \(0.5\)"):
        ErrorBreakdownSpec(background_iou=0.5)


def test_only_the_best_detections_of_an_image_count(make_table):
    world = make_table(
        images=[1],
        annotations=[{"id": 1, "image_id": 1, "category_id": 0, "bbox": OBJECT, "area": 1, "iscrowd": 0}],
        category_ids=(0,),
    )
    found = Detections(
        boxes=torch.tensor([[0.0, 0, 100, 100], [500, 0, 600, 9]]), scores=torch.tensor([0.1, 0.9]),
        labels=torch.zeros(2).long(),
    )  # fmt: skip
    assert ErrorBreakdownSpec().build(ground_truth=world).evaluate({1: found})["AP50"] == 0.5
    assert ErrorBreakdownSpec(max_detections=1).build(ground_truth=world).evaluate({1: found})["AP50"] == 0
