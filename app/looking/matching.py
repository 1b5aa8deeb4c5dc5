"""Which detections find which objects, by COCO's rule, and what kind of mistake the others are.

COCO (Lin et al. 2014, arXiv:1405.0312) goes through the detections of an image and class, the best first. Each takes
the object that it overlaps most among those that nothing has taken yet, where the overlap (IoU) reaches the threshold.
A detection that finds no object but covers a crowd region is ignored. So what becomes of a detection does not depend on
those that score less, and at any score threshold the detections above it are what they would be alone: an object is
missed at a threshold if nothing took it, or if what took it scores less.

The mistakes are those of TIDE (Bolya et al. 2020, arXiv:2008.08115), asked in this order, with t the IoU threshold:

- duplicate: overlaps an object of its class by t or more, which a better detection has taken;
- class: overlaps an object of another class by t or more;
- place: overlaps an object of its class by 0.1 or more, but by less than t;
- class and place: overlaps an object of another class by 0.1 or more, but by less than t;
- background: overlaps nothing by 0.1.

TIDE's own code asks for place before class. Where a detector tells no classes apart, all objects are of its class.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, get_args

from app.looking.scene import IOU_THRESHOLDS, Box, Verdict
from specdet.runs.predictions import StoredDetection, StoredImage, StoredObject

if TYPE_CHECKING:
    import numpy as np

BACKGROUND = 0.1
EXACT = 1e-10  # an IoU of 1 is one that falls short by no more than rounding does
# By number: what matching says, then the mistakes in the order in which they are asked for.
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
RIGHT, IGNORED, WRONG = 0, 1, -1


def compared(image: StoredImage, *, classes: tuple[str, ...], gives_classes: bool) -> tuple[Box, ...]:
    """The boxes of an image, objects first, with what became of each at all of IOU_THRESHOLDS.

    Args:
        classes: Names in the order of the labels.
        gives_classes: Whether a detection finds objects of its class alone; else of any.
    """
    import numpy as np

    objects, detections = image.objects, image.detections
    kinds = np.array([each.label if gives_classes else 0 for each in objects], dtype=np.int64)
    crowd = np.array([each.crowd for each in objects], dtype=bool)
    said = np.array([each.label if gives_classes else 0 for each in detections], dtype=np.int64)
    ious = _overlaps(_corners(detections), _corners(objects), crowd=crowd)
    taken_by = np.full((len(IOU_THRESHOLDS), len(objects)), -1)
    outcomes = np.full((len(detections), len(IOU_THRESHOLDS)), WRONG)
    for label in np.unique(said):
        mine = np.flatnonzero(said == label)
        regular = np.flatnonzero((kinds == label) & ~crowd)
        if not gives_classes:  # COCO has them by class; where two overlap alike, the later one is taken
            regular = regular[np.argsort([objects[place].label for place in regular], kind="stable")]
        regions = np.flatnonzero((kinds == label) & crowd)
        _match(mine, regular, regions, ious, taken_by=taken_by, outcomes=outcomes)
    nearest = _nearest(ious, said, kinds=kinds, crowd=crowd)
    verdicts = np.where(outcomes == WRONG, _mistakes(nearest), outcomes).tolist()
    takers = taken_by.T.tolist()
    named = [_name(each.label, classes) for each in objects]
    return (
        *(_object_box(*told, detections) for told in zip(objects, named, takers, strict=True)),
        *(
            _detection_box(
                each, _name(each.label, classes) if gives_classes else "", verdicts[place], float(nearest[place, 0])
            )
            for place, each in enumerate(detections)
        ),
    )


def _object_box(told: StoredObject, label: str, takers: list[int], detections: Sequence[StoredDetection]) -> Box:
    x1, y1, x2, y2 = told.box
    if told.crowd:
        return Box(x1=x1, y1=y1, x2=x2, y2=y2, label=label, kind="crowd")
    found = tuple(None if by < 0 else detections[by].score for by in takers)
    return Box(x1=x1, y1=y1, x2=x2, y2=y2, label=label, kind="object", found=found)


def _detection_box(seen: StoredDetection, label: str, outcomes: list[int], iou: float) -> Box:
    x1, y1, x2, y2 = seen.box
    verdicts: tuple[Verdict, ...] = tuple(VERDICTS[at] for at in outcomes)
    return Box(x1=x1, y1=y1, x2=x2, y2=y2, label=label, kind="detection", score=seen.score, verdicts=verdicts, iou=iou)


def _match(
    mine: "np.ndarray",
    regular: "np.ndarray",
    regions: "np.ndarray",
    ious: "np.ndarray",
    *,
    taken_by: "np.ndarray",
    outcomes: "np.ndarray",
) -> None:
    """Go through the detections at the places `mine`, the best first, at all thresholds at once."""
    import numpy as np

    reached = np.minimum(IOU_THRESHOLDS, 1 - EXACT)
    near = ious[np.ix_(mine, np.concatenate([regular, regions]))].max(axis=1, initial=0.0) >= reached[0]
    for place in mine[near]:
        free = (taken_by[:, regular] < 0) & (ious[place, regular] >= reached[:, None])
        hits = np.flatnonzero(free.any(axis=1))
        if hits.size:
            overlaps = np.where(free[hits], ious[place, regular], -1.0)
            last = regular.size - 1 - overlaps[:, ::-1].argmax(axis=1)  # of equals
            taken_by[hits, regular[last]] = place
            outcomes[place, hits] = RIGHT
        if regions.size:
            covered = ious[place, regions].max() >= reached
            covered[hits] = False
            outcomes[place, covered] = IGNORED


def _mistakes(nearest: "np.ndarray") -> "np.ndarray":
    """(D, T): what kind of mistake each detection is at each threshold, if it is one. Args: see `_nearest`."""
    import numpy as np

    same, other = nearest[:, :1], nearest[:, 1:]
    reached = np.minimum(IOU_THRESHOLDS, 1 - EXACT)[None, :]
    whole = np.ones_like(reached, dtype=bool)
    asked = (same >= reached, other >= reached, (same >= BACKGROUND) & whole, (other >= BACKGROUND) & whole)
    return np.select(asked, range(2, 6), default=6)


def _nearest(ious: "np.ndarray", said: "np.ndarray", *, kinds: "np.ndarray", crowd: "np.ndarray") -> "np.ndarray":
    """(D, 2): the largest IoU of each detection with an object of the class that it says, and of another; no crowds."""
    import numpy as np

    same = said[:, None] == kinds[None, :]
    return np.stack([np.max(ious, axis=1, initial=0.0, where=each & ~crowd[None, :]) for each in (same, ~same)], axis=1)


def _overlaps(detections: "np.ndarray", objects: "np.ndarray", *, crowd: "np.ndarray") -> "np.ndarray":
    """(D, G): IoU, and for crowds what share of the detection lies in the region, as COCO has it."""
    import numpy as np

    low = np.maximum(detections[:, None, :2], objects[None, :, :2])
    high = np.minimum(detections[:, None, 2:], objects[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=2)
    of_detections, of_objects = (np.prod(each[:, 2:] - each[:, :2], axis=1) for each in (detections, objects))
    whole = of_detections[:, None] + np.where(crowd, 0.0, of_objects)[None, :] - np.where(crowd[None, :], 0.0, shared)
    return np.divide(shared, whole, out=np.zeros_like(shared), where=shared > 0)


def _corners(boxes: tuple) -> "np.ndarray":
    import numpy as np

    return np.array([each.box for each in boxes], dtype=np.float64).reshape(-1, 4)


def _name(label: int, classes: tuple[str, ...]) -> str:
    return classes[label] if label < len(classes) else f"class {label}"
