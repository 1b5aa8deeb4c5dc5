"""Totals: how good the detections of all images are, at every threshold at once."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Self

import attrs

from app.looking.message import DIGITS, VERDICTS
from app.looking.scene import IOU_THRESHOLDS, Box


@attrs.frozen(kw_only=True)
class Totals:
    """The compared detections of many images, best first, and how many objects there are to be found.

    Attributes:
        images: How many.
        scores: Of each detection, falling.
        labels: Of each detection: its class name.
        verdicts: At each of IOU_THRESHOLDS a text with a letter for each detection, see `message.VERDICTS`.
        objects: Class name -> objects that are no crowds.
    """

    images: int
    scores: tuple[float, ...]
    labels: tuple[str, ...]
    verdicts: tuple[str, ...]
    objects: dict[str, int]

    @classmethod
    def of(cls, images: Iterable[Sequence[Box]]) -> Self:
        """Those of images, each given as its compared boxes."""
        images = list(images)
        boxes = [box for image in images for box in image]
        found = sorted((box for box in boxes if box.verdicts), key=lambda box: -(box.score or 0.0))
        return cls(
            images=len(images),
            scores=tuple(round(box.score or 0.0, DIGITS) for box in found),
            labels=tuple(box.label for box in found),
            verdicts=tuple(
                "".join(VERDICTS[box.verdicts[place]] for box in found) for place in range(len(IOU_THRESHOLDS))
            ),
            objects=dict(Counter(box.label for box in boxes if box.kind == "object")),
        )

    def all_labels(self, classes: Sequence[str]) -> list[str]:
        """The class names, and what else boxes are called."""
        return list(dict.fromkeys(name for name in (*classes, *self.objects, *self.labels) if name))

    def message(self, labels: Sequence[str]) -> dict[str, Any]:
        """For the viewer: class names as places in `labels`, which has all of them; -1 for a detection without one."""
        place = {name: at for at, name in enumerate(labels)}
        return {
            "images": self.images,
            "scores": self.scores,
            "labels": [place.get(label, -1) for label in self.labels],
            "verdicts": self.verdicts,
            "objects": [self.objects.get(name, 0) for name in labels],
        }
