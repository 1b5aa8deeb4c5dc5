"""How many detections are right and wrong, and how many objects are missed, at a score and an IoU threshold.

The viewer counts by the same rule in the browser, see app/widgets/viewer/model.js.
"""

from collections.abc import Collection, Iterable
from typing import Literal

import attrs

from app.looking.scene import IOU_THRESHOLDS, Box

Order = Literal["given", "worst", "missed", "wrong"]
ORDERS: dict[Order, str] = {
    "given": "as in the data set",
    "worst": "worst first",
    "missed": "most missed",
    "wrong": "most wrong",
}


@attrs.frozen(kw_only=True)
class Counts:
    """Detections that are right (TP) and wrong (FP), and objects that are missed (FN)."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    @property
    def errors(self) -> int:
        """What is wrong or missed."""
        return self.wrong + self.missed

    @property
    def precision(self) -> float | None:
        """Of the detections, how many are right; None without any."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else None

    @property
    def recall(self) -> float | None:
        """Of the objects, how many are found; None without any."""
        return self.right / (self.right + self.missed) if self.right + self.missed else None


def count(boxes: Iterable[Box], *, score: float, iou: float, labels: Collection[str] | None = None) -> Counts:
    """Count compared boxes.

    Args:
        score: Detections that score less are not there.
        iou: One of IOU_THRESHOLDS.
        labels: Count those classes alone; all unless given. Boxes without a class always count.
    """
    at = IOU_THRESHOLDS.index(iou)
    right = wrong = missed = 0
    for box in boxes:
        if labels is not None and box.label and box.label not in labels:
            continue
        if box.kind == "object" and box.found:
            by = box.found[at]
            missed += by is None or by < score
        elif box.kind == "detection" and box.verdicts and (box.score is None or box.score >= score):
            verdict = box.verdicts[at]
            right += verdict == "right"
            wrong += verdict not in ("right", "ignored")
    return Counts(right=right, wrong=wrong, missed=missed)


def order_of(counts: Iterable[Counts], order: Order) -> list[int]:
    """Places of images in an order; of equals the first comes first."""
    ranks = [{"worst": each.errors, "missed": each.missed, "wrong": each.wrong}.get(order, 0) for each in counts]
    return sorted(range(len(ranks)), key=lambda place: -ranks[place])


def nearest_iou(iou: float) -> float:
    """That of IOU_THRESHOLDS that is nearest to a number."""
    return min(IOU_THRESHOLDS, key=lambda each: abs(each - iou))
