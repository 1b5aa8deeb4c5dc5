"""ConfusionMatrix: which classes are taken for which, at one score."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from specdet.evaluation.boxes import BoxEvaluator, Found, Objects, box_iou, share_within
from specdet.evaluation.spec import ConfusionMatrixSpec
from specdet.structures import Detections

BACKGROUND = "background"
LARGEST = 20  # confusions that are named in the details


class ConfusionMatrix(BoxEvaluator[ConfusionMatrixSpec]):
    """`precision`, `recall`, `F1` of detections with at least a score, `class_accuracy` of those that hit an object.

    Each detection is given at most one object and each object one detection: first those of the same class, the largest
    IoU first, then the rest in the same way. What lies in a crowd and has no object is left out. `details` has the
    matrix of K + 1 rows (what is there) and K + 1 columns (what was said); the last row is what was found where nothing
    is, the last column what was missed.

    Args:
        spec: The score and the IoU.
        ground_truth: The data set as a COCO table.
    """

    def evaluate(self, detections: Mapping[int, Detections]) -> dict[str, float]:
        """Metrics by name; what is not defined is left out: recall without objects, accuracy without a hit."""
        classes = len(self.class_names)
        matrix = np.zeros((classes + 1, classes + 1), dtype=np.int64)
        for objects, found in self.images(detections):
            kept = found.first(int((found.scores >= self.spec.score_threshold).sum()))
            rows, columns = _pairs(objects, kept, iou=self.spec.iou_threshold, background=classes)
            np.add.at(matrix, (rows, columns), 1)
        self._matrix = matrix
        return _metrics(matrix)

    def details(self) -> dict[str, Any]:
        """Of the last evaluation, as JSON: the matrix, its names, and its largest confusions."""
        names = [*self.class_names, BACKGROUND]
        wrong = self._matrix * ~np.eye(len(names), dtype=np.bool_)
        order = np.argsort(-wrong, axis=None, kind="stable")[:LARGEST].tolist()
        places = [(place // len(names), place % len(names)) for place in order]
        return {
            "classes": names,
            "matrix": self._matrix.tolist(),
            "score_threshold": self.spec.score_threshold,
            "iou_threshold": self.spec.iou_threshold,
            "largest": [
                {"true": names[row], "said": names[column], "count": int(wrong[row, column])}
                for row, column in places
                if wrong[row, column]
            ],
        }


def _pairs(objects: Objects, found: Found, *, iou: float, background: int) -> tuple[np.ndarray, np.ndarray]:
    """The true and the said class of each object and of each detection that has none."""
    single, regions = objects.single, objects.where(objects.crowd)
    overlap = box_iou(found.boxes, single.boxes)
    same = found.labels[:, None] == single.labels[None]
    given = np.full(len(single.labels), -1)  # the detection of each object
    free = np.ones(len(found), dtype=np.bool_)
    for candidates in (same, ~same):
        rows, columns = np.nonzero((overlap >= iou) & candidates)
        for place in np.argsort(-overlap[rows, columns], kind="stable").tolist():  # of equals, the best score is first
            row, column = rows[place], columns[place]
            if free[row] and given[column] < 0:
                free[row], given[column] = False, row
    if len(regions.labels):
        free &= (share_within(found.boxes, regions.boxes) < iou).all(axis=1)
    hit = given >= 0
    said = np.where(hit, found.labels[given] if len(found) else background, background)
    alarms = found.labels[free]
    true = np.concatenate([single.labels, np.full(len(alarms), background)])
    return true, np.concatenate([said, alarms])


def _metrics(matrix: np.ndarray) -> dict[str, float]:
    right, hits = int(matrix[:-1, :-1].trace()), int(matrix[:-1, :-1].sum())
    objects, said = int(matrix[:-1].sum()), int(matrix[:, :-1].sum())
    if not objects:
        return {}
    metrics = {
        "precision": right / said if said else 0.0,
        "recall": right / objects,
        "F1": 2 * right / (objects + said),
    }
    return metrics | ({"class_accuracy": right / hits} if hits else {})
