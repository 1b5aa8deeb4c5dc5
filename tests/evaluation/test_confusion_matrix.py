import json

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from specdet.evaluation.spec import ConfusionMatrixSpec
from specdet.structures import Detections


def measured(table, found, *, objects, crowd=(), **fields):
    """One image of two classes: objects as x, y, w, h, class; detections as x, y, w, h, score, class."""
    annotations = [
        {"id": number, "image_id": 1, "category_id": label, "bbox": box, "area": 1, "iscrowd": int(number in crowd)}
        for number, (*box, label) in enumerate(objects)
    ]
    truth = table(images=[1], annotations=annotations, category_ids=(0, 1))
    evaluator = ConfusionMatrixSpec(**fields).build(ground_truth=truth)
    rows = torch.tensor(found, dtype=torch.float64).reshape(-1, 6)
    boxes = torch.cat([rows[:, :2], rows[:, :2] + rows[:, 2:4]], dim=1).float()
    got = evaluator.evaluate({1: Detections(boxes=boxes, scores=rows[:, 4].float(), labels=rows[:, 5].long())})
    return got, evaluator.details()


HERE, THERE = (0, 0, 100, 100), (300, 0, 100, 100)


@pytest.mark.parametrize(
    ("found", "objects", "matrix"),
    [
        ([(*HERE, 0.9, 0)], [(*HERE, 0)], [[1, 0, 0], [0, 0, 0], [0, 0, 0]]),
        ([(*HERE, 0.9, 1)], [(*HERE, 0)], [[0, 1, 0], [0, 0, 0], [0, 0, 0]]),
        ([(*HERE, 0.2, 0)], [(*HERE, 0)], [[0, 0, 1], [0, 0, 0], [0, 0, 0]]),
        ([(*THERE, 0.9, 1)], [(*HERE, 0)], [[0, 0, 1], [0, 0, 0], [0, 1, 0]]),
        ([(*HERE, 0.9, 0), (*HERE, 0.8, 0)], [(*HERE, 0)], [[1, 0, 0], [0, 0, 0], [1, 0, 0]]),
        # One box with two classes: the right one is what the object is taken for, whatever its score.
        ([(*HERE, 0.9, 1), (*HERE, 0.5, 0)], [(*HERE, 0)], [[1, 0, 0], [0, 0, 0], [0, 1, 0]]),
        # The nearer box gets the object, not the better score.
        ([(0, 0, 100, 60, 0.9, 0), (*HERE, 0.5, 0)], [(*HERE, 0)], [[1, 0, 0], [0, 0, 0], [1, 0, 0]]),
        ([(0, 0, 100, 49, 0.9, 0)], [(*HERE, 0)], [[0, 0, 1], [0, 0, 0], [1, 0, 0]]),
        ([], [(*HERE, 0), (*THERE, 1)], [[0, 0, 1], [0, 0, 1], [0, 0, 0]]),
    ],
)
def test_what_is_there_against_what_was_said(make_table, found, objects, matrix):
    _, details = measured(make_table, found, objects=objects)
    assert details["matrix"] == matrix
    assert details["classes"] == ["class0", "class1", "background"]
    assert json.loads(json.dumps(details)) == details


def test_the_metrics_and_the_largest_confusions(make_table):
    objects = [(120 * place, 0, 100, 100, label) for place, label in enumerate((0, 0, 0, 1))]
    found = [
        (0, 0, 100, 100, 0.9, 0),
        *((120 * place, 0, 100, 100, 0.8, 1) for place in (1, 2)),
        (0, 500, 9, 9, 0.7, 1),
    ]
    got, details = measured(make_table, found, objects=objects)
    assert got == pytest.approx({"precision": 1 / 4, "recall": 1 / 4, "F1": 1 / 4, "class_accuracy": 1 / 3})
    assert details["largest"] == [
        {"true": "class0", "said": "class1", "count": 2},
        {"true": "class1", "said": "background", "count": 1},
        {"true": "background", "said": "class1", "count": 1},
    ]


def test_what_is_not_defined_is_left_out(make_table):
    assert measured(make_table, [(*HERE, 0.9, 0)], objects=[])[0] == {}
    assert measured(make_table, [], objects=[(*HERE, 0)])[0] == {"precision": 0.0, "recall": 0.0, "F1": 0.0}


def test_what_lies_in_a_crowd_is_left_out_unless_it_hits_an_object(make_table):
    objects = [(*HERE, 0), (200, 0, 300, 300, 1)]
    found = [(*HERE, 0.9, 0), (250, 50, 40, 40, 0.9, 0), (600, 0, 40, 40, 0.9, 0)]
    _, details = measured(make_table, found, objects=objects, crowd=(1,))
    assert details["matrix"] == [[1, 0, 0], [0, 0, 0], [1, 0, 0]]


corner = st.integers(0, 6).map(lambda place: 10.0 * place)
box = st.tuples(corner, corner, st.sampled_from((20.0, 30.0)), st.sampled_from((20.0, 30.0)))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    objects=st.lists(st.tuples(box, st.integers(0, 1)).map(lambda each: (*each[0], each[1])), max_size=6),
    found=st.lists(
        st.tuples(box, st.sampled_from((0.1, 0.4, 0.8)), st.integers(0, 1)).map(lambda each: (*each[0], *each[1:])),
        max_size=8,
    ),
)
def test_rows_count_the_objects_and_columns_the_detections(make_table, objects, found):
    matrix = measured(make_table, found, objects=objects)[1]["matrix"]
    for label in (0, 1):
        assert sum(matrix[label]) == sum(each[4] == label for each in objects)
        assert sum(row[label] for row in matrix) == sum(each[5] == label and each[4] >= 0.3 for each in found)
    assert matrix[2][2] == 0
