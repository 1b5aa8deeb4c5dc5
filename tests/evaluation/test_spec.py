"""What evaluators say they measure is what they measure."""

import pytest
import torch

from specdet.evaluation.spec import (
    CocoBoxSpec,
    ConfusionMatrixSpec,
    ErrorBreakdownSpec,
    ProposalRecallSpec,
    VocMAPSpec,
)
from specdet.structures import Detections

SIDES = (10, 50, 200)  # px: an object of each of COCO's sizes


def truth(*, classes: tuple[str, ...]) -> dict:
    """One image with an object of each size, of the first class."""
    boxes = [{"id": place, "image_id": 1, "category_id": 0, "bbox": [0, 0, side, side], "area": side**2, "iscrowd": 0}
             for place, side in enumerate(SIDES, start=1)]  # fmt: skip
    return {
        "images": [{"id": 1, "file_name": "1", "height": 300, "width": 300}],
        "annotations": boxes,
        "categories": [{"id": place, "name": name} for place, name in enumerate(classes)],
    }


@pytest.mark.parametrize(
    "spec",
    [
        ProposalRecallSpec(),
        ProposalRecallSpec(limits=(1, 5), areas={"tiny": (0.0, 400.0)}),
        CocoBoxSpec(),
        CocoBoxSpec(per_class=True, iou_thresholds=(0.5, 0.6), max_detections=7, areas={}),
        CocoBoxSpec(class_agnostic=True, iou_thresholds=(0.75,)),
        VocMAPSpec(),
        VocMAPSpec(per_class=True, curve="11_points"),
        ConfusionMatrixSpec(),
        ErrorBreakdownSpec(),
        ErrorBreakdownSpec(iou_threshold=0.75),
    ],
)
def test_the_names_are_those_of_an_evaluation(spec):
    found = Detections(boxes=torch.tensor([[0.0, 0, 10, 10]]), scores=torch.ones(1), labels=torch.zeros(1).long())
    measured = spec.build(ground_truth=truth(classes=("*",))).evaluate({1: found})
    assert set(spec.metric_names) == measured.keys()
