"""ErrorBreakdown: what each kind of mistake costs, after TIDE (Bolya et al. 2020, arXiv:2008.08115)."""

from collections.abc import Iterator, Mapping
from typing import Any

import attrs
import numpy as np

from specdet.evaluation.boxes import BoxEvaluator, Found, Objects, box_iou, share_within
from specdet.evaluation.curves import at_points, precision_and_recall
from specdet.evaluation.spec import MISTAKES, ErrorBreakdownSpec
from specdet.structures import Detections

COCO_POINTS = 101
RIGHT, WRONG, IGNORED = 1, 0, -1


@attrs.frozen(kw_only=True)
class _Judged:
    """One detection: what it is, and what it would be were its mistake mended.

    Attributes:
        label: Its class.
        score: Its score.
        state: RIGHT, WRONG or IGNORED.
        mistake: One of MISTAKES; "" where it has none.
        mended: The class that it is right for then; -1 where mending takes it away.
    """

    label: int
    score: float
    state: int
    mistake: str = ""
    mended: int = -1


class ErrorBreakdown(BoxEvaluator[ErrorBreakdownSpec]):
    """`AP` at one IoU, and by how much it would rise were all mistakes of one kind mended, the others not.

    A detection that is not right is a mistake of
    - localisation: it overlaps an object of its class, by less than the IoU and no less than the background's;
    - classification: it overlaps an object of another class by the IoU;
    - duplicate: it overlaps an object of its class that a better one has found;
    - background: it overlaps no object by more than the background's IoU;
    - both: it overlaps an object of another class, too little.

    An object that nothing found, and that no mended mistake would find, is missed. Mending makes the best detection of
    a free object right, and takes the others away; mending what is missed takes the objects away.

    Args:
        spec: IoU thresholds, and how many detections count.
        ground_truth: The data set as a COCO table.
    """

    def evaluate(self, detections: Mapping[int, Detections]) -> dict[str, float]:
        """`AP50` and `dAP50_classification` and so on, for an IoU of 0.5; nothing where there is no object."""
        judged: list[_Judged] = []
        missed = np.zeros(len(self.class_names), dtype=np.int64)
        for objects, found in self.images(detections):
            own, lost = _judge(objects, found.first(self.spec.max_detections), spec=self.spec)
            judged += own
            np.add.at(missed, lost, 1)
        judged.sort(key=lambda each: -each.score)
        self._mistakes = [(each.mistake, each.label) for each in judged if each.mistake]
        self._missed = missed
        counts = self.counts()
        if not counts.any():
            return {}
        name = self.spec.metric
        whole = _mean_precision(judged, counts=counts)
        metrics = {name: whole}
        for mistake in MISTAKES:
            left = counts - missed if mistake == "missed" else counts
            metrics[f"d{name}_{mistake}"] = max(0.0, _mean_precision(judged, counts=left, mending=mistake) - whole)
        return metrics

    def details(self) -> dict[str, Any]:
        """Of the last evaluation, as JSON: how many mistakes of each kind each class has."""
        table = {mistake: [0] * len(self.class_names) for mistake in MISTAKES}
        for mistake, label in self._mistakes:
            table[mistake][label] += 1
        table["missed"] = self._missed.tolist()
        return {
            "classes": self.class_names,
            "mistakes": table,
            "iou_threshold": self.spec.iou_threshold,
            "background_iou": self.spec.background_iou,
        }


def _judge(objects: Objects, found: Found, *, spec: ErrorBreakdownSpec) -> tuple[list[_Judged], np.ndarray]:
    """The detections of one image, and the (M,) labels of the objects that are missed."""
    single, regions = objects.single, objects.where(objects.crowd)
    overlap = box_iou(found.boxes, single.boxes)
    same = found.labels[:, None] == single.labels[None]
    states, taken = _matched(np.where(same, overlap, 0), iou=spec.iou_threshold)
    inside = share_within(found.boxes, regions.boxes) > spec.iou_threshold
    in_crowd = (inside & (found.labels[:, None] == regions.labels[None])).any(axis=1)
    states[(states == WRONG) & in_crowd] = IGNORED
    promised = np.zeros(len(single.labels), dtype=np.bool_)  # free objects that a mended mistake finds
    judged = []
    for row, state in enumerate(states.tolist()):
        mistake, target = ("", -1) if state == RIGHT else _mistake(overlap[row], same[row], taken=taken, spec=spec)
        mended = -1
        if target >= 0 and not taken[target]:
            # Detections come best first: the first one that leads to an object is the one that mending makes right.
            mended = -1 if promised[target] else int(single.labels[target])
            promised[target] = True
        judged.append(
            _Judged(label=int(found.labels[row]), score=float(found.scores[row]), state=state, mistake=mistake,
                    mended=mended)
        )  # fmt: skip
    return judged, single.labels[~taken & ~promised]


def _matched(overlap: np.ndarray, *, iou: float) -> tuple[np.ndarray, np.ndarray]:
    """(D,) RIGHT or WRONG, and (G,) whether an object is found; `overlap` is 0 between classes, and best come first."""
    states, taken = np.full(len(overlap), WRONG), np.zeros(overlap.shape[1], dtype=np.bool_)
    for row in range(len(overlap) if overlap.shape[1] else 0):
        free = np.where(taken, 0, overlap[row])
        target = int(free.argmax())
        if free[target] >= iou:
            states[row], taken[target] = RIGHT, True
    return states, taken


def _mistake(overlap: np.ndarray, same: np.ndarray, *, taken: np.ndarray, spec: ErrorBreakdownSpec) -> tuple[str, int]:
    """The kind of mistake of one detection, and the object that mending it leads to, or -1.

    Args:
        overlap: (G,) IoU with the objects.
        same: (G,) whether they are of its class.
        taken: (G,) whether they are found.
    """
    if not overlap.size:
        return "background", -1
    own, other = np.where(same, overlap, 0), np.where(same, 0, overlap)
    if spec.background_iou <= own.max() <= spec.iou_threshold:
        return "localisation", int(own.argmax())
    if other.max() >= spec.iou_threshold:
        return "classification", int(other.argmax())
    if np.where(taken, own, 0).max() >= spec.iou_threshold:
        return "duplicate", -1
    return ("background" if overlap.max() <= spec.background_iou else "both"), -1


def _mean_precision(judged: list[_Judged], *, counts: np.ndarray, mending: str = "") -> float:
    """The mean over classes with objects; 1 where nothing is left to be found."""
    right: dict[int, list[bool]] = {label: [] for label in np.flatnonzero(counts).tolist()}
    for label, correct in _outcomes(judged, mending=mending):
        if label in right:
            right[label].append(correct)
    values = []
    for label, own in right.items():
        precision, recall = precision_and_recall(np.array(own, dtype=np.bool_), objects=int(counts[label]))
        values.append(at_points(precision, recall, points=COCO_POINTS))
    return float(np.mean(values)) if values else 1.0


def _outcomes(judged: list[_Judged], *, mending: str) -> Iterator[tuple[int, bool]]:
    """Class and whether it is right, of each detection that counts, best first."""
    for each in judged:
        if each.mistake and each.mistake == mending:
            if each.mended >= 0:
                yield each.mended, True
        elif each.state != IGNORED:
            yield each.label, each.state == RIGHT
