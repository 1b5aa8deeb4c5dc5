"""VocMAP: mean average precision by the rules of PASCAL VOC."""

from collections.abc import Mapping

import numpy as np

from specdet.evaluation.boxes import BoxEvaluator, Found, Objects, box_iou
from specdet.evaluation.curves import area, at_points, precision_and_recall
from specdet.evaluation.spec import VocMAPSpec
from specdet.structures import Detections

RIGHT, WRONG, IGNORED = 1, 0, -1
VOC_2007_POINTS = 11


class VocMAP(BoxEvaluator[VocMAPSpec]):
    """`mAP` over the classes that have objects, and `AP/CLASS` of each if asked.

    A detection belongs to the object of its class that it overlaps most. The best detection of an object is right, the
    others are wrong; one that belongs to a difficult object (a crowd of the ground truth) does not count.

    Args:
        spec: The IoU threshold, and how the area under the curve is taken.
        ground_truth: The data set as a COCO table.
    """

    def evaluate(self, detections: Mapping[int, Detections]) -> dict[str, float]:
        """Metrics by name; classes without objects have none, and where no class has any there is no mAP."""
        iou = self.spec.iou_threshold
        parts = [(found, _judged(objects, found, iou=iou)) for objects, found in self.images(detections)]
        scores = np.concatenate([found.scores for found, _ in parts]) if parts else np.zeros(0)
        labels = np.concatenate([found.labels for found, _ in parts]) if parts else np.zeros(0)
        judged = np.concatenate([each for _, each in parts]) if parts else np.zeros(0)
        order = np.argsort(-scores, kind="stable")
        order = order[judged[order] != IGNORED]
        own: dict[str, float] = {}
        for label, count in enumerate(self.counts().tolist()):
            if count:
                right = judged[order][labels[order] == label] == RIGHT
                own[self.class_names[label]] = self._average_precision(right, objects=count)
        if not own:
            return {}
        per_class = {f"AP/{name}": value for name, value in own.items()} if self.spec.per_class else {}
        return {"mAP": float(np.mean([*own.values()])), **per_class}

    def _average_precision(self, right: np.ndarray, *, objects: int) -> float:
        precision, recall = precision_and_recall(right, objects=objects)
        if self.spec.curve == "area":
            return area(precision, recall)
        return at_points(precision, recall, points=VOC_2007_POINTS)


def _judged(objects: Objects, found: Found, *, iou: float) -> np.ndarray:
    """(D,) RIGHT, WRONG or IGNORED."""
    judged = np.full(len(found), WRONG)
    if not len(found) or not len(objects.labels):
        return judged
    overlap = box_iou(found.boxes, objects.boxes)
    overlap[found.labels[:, None] != objects.labels[None]] = -1
    nearest = overlap.argmax(axis=1)
    taken = np.zeros(len(objects.labels), dtype=np.bool_)
    for place in np.flatnonzero(overlap.max(axis=1) >= iou).tolist():
        target = nearest[place]
        if objects.crowd[target]:
            judged[place] = IGNORED
        elif not taken[target]:
            taken[target] = True
            judged[place] = RIGHT
    return judged
