"""Which of the stored images are shown, and in which order: over all of them, whatever page they come to lie on."""

from collections.abc import Sequence

import attrs

from app.looking.counts import Order, count, order_of
from app.looking.stored import ComparedImage


@attrs.frozen(kw_only=True)
class Choice:
    """What a person wants to see.

    Attributes:
        score, iou: The thresholds at which boxes are right, wrong or missed; `iou` is one of IOU_THRESHOLDS.
        order: By what images are ordered at these.
        errors: Show only images on which something is wrong or missed.
        labels: Show only images with an object or a detection of these classes, and count these alone; all where empty.
    """

    score: float = 0.5
    iou: float = 0.5
    order: Order = "worst"
    errors: bool = False
    labels: tuple[str, ...] = ()


def chosen(images: Sequence[ComparedImage], choice: Choice) -> list[ComparedImage]:
    """The images to show, in their order."""
    labels = set(choice.labels)
    rows = []
    for image in images:
        if labels and not any(box.label in labels for box in image.boxes):
            continue
        counts = count(image.boxes, score=choice.score, iou=choice.iou, labels=labels or None)
        if counts.errors or not choice.errors:
            rows.append((image, counts))
    return [rows[place][0] for place in order_of([counts for _, counts in rows], choice.order)]


def of_page(images: Sequence[ComparedImage], *, page: int, per_page: int) -> list[ComparedImage]:
    """The images of a page, from 1."""
    return list(images[(page - 1) * per_page : page * per_page])


def pages(count: int, *, per_page: int) -> int:
    """How many pages there are, at least one."""
    return max(1, -(-count // per_page))
