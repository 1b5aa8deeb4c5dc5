"""Objects and detections of each image as arrays, for evaluators that match boxes themselves."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

import attrs
import numpy as np

from specdet.spec import Spec
from specdet.structures import Detections

logger = logging.getLogger(__name__)

S = TypeVar("S", bound=Spec)


@attrs.frozen(kw_only=True, eq=False)
class Objects:
    """What is to be found in an image: (G, 4) float64 xyxy px, (G,) int64 labels, (G,) bool."""

    boxes: np.ndarray
    labels: np.ndarray
    crowd: np.ndarray

    @property
    def single(self) -> "Objects":
        """Those that are no crowds."""
        return self.where(~self.crowd)

    def where(self, kept: np.ndarray) -> "Objects":
        """Those that a (G,) bool says."""
        return Objects(boxes=self.boxes[kept], labels=self.labels[kept], crowd=self.crowd[kept])


@attrs.frozen(kw_only=True, eq=False)
class Found:
    """What was found in an image, best first: (D, 4) float64 xyxy px, (D,) float64 scores, (D,) int64 labels."""

    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.scores)

    def first(self, count: int) -> "Found":
        """The best ones."""
        return Found(boxes=self.boxes[:count], scores=self.scores[:count], labels=self.labels[:count])


class BoxEvaluator(Generic[S]):
    """Base of evaluators that match boxes image by image.

    Args:
        spec: The evaluator's.
        ground_truth: The data set as a COCO table; the k-th category is label k.
    """

    def __init__(self, spec: S, *, ground_truth: Mapping[str, Any]):
        self.spec = spec
        self.class_names = [category["name"] for category in ground_truth["categories"]]
        if not self.class_names:
            raise ValueError("the ground truth has no categories: there is nothing that could be found")
        label = {category["id"]: place for place, category in enumerate(ground_truth["categories"])}
        rows: dict[int, list[tuple[Any, ...]]] = {image["id"]: [] for image in ground_truth["images"]}
        for each in ground_truth["annotations"]:
            rows[each["image_id"]].append((*each["bbox"], label[each["category_id"]], each["iscrowd"]))
        self._objects = {image_id: _objects(own) for image_id, own in rows.items()}

    @property
    def image_ids(self) -> frozenset[int]:
        """The images of the ground truth."""
        return frozenset(self._objects)

    def images(self, detections: Mapping[int, Detections]) -> Iterator[tuple[Objects, Found]]:
        """Each image of the ground truth, in its order; images that `detections` lacks have none.

        Raises:
            ValueError: Where the detections have images or labels that the data set does not have.
        """
        unknown = sorted(detections.keys() - self._objects.keys())
        if unknown:
            raise ValueError(
                f"detections for images that the ground truth does not have: {unknown[:5]}; is this another data set?"
            )
        labels = max((int(found.labels.max()) + 1 for found in detections.values() if len(found)), default=0)
        if labels > len(self.class_names):
            raise ValueError(
                f"the detector tells at least {labels} classes apart, the data set has {len(self.class_names)}"
            )
        broken = 0
        for image_id, objects in self._objects.items():
            found, left_out = _found(detections.get(image_id))
            broken += left_out
            yield objects, found
        if broken:
            logger.warning("%d detections are not finite numbers and were left out", broken)

    def counts(self) -> np.ndarray:
        """(K,) int64: how many objects of each class there are, crowds not counted."""
        labels = [objects.single.labels for objects in self._objects.values()]
        return np.bincount(np.concatenate(labels) if labels else [], minlength=len(self.class_names))


def box_iou(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(D, G) intersection over union of (D, 4) and (G, 4) xyxy."""
    shared = _shared(boxes, others)
    union = _area(boxes)[:, None] + _area(others)[None] - shared
    return shared / np.maximum(union, np.finfo(np.float64).tiny)


def share_within(boxes: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """(D, G): the part of each box's area that lies in each region, as COCO asks of crowds."""
    return _shared(boxes, regions) / np.maximum(_area(boxes)[:, None], np.finfo(np.float64).tiny)


def _shared(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    return (high - low).clip(min=0).prod(axis=2)


def _area(boxes: np.ndarray) -> np.ndarray:
    return (boxes[:, 2:] - boxes[:, :2]).clip(min=0).prod(axis=1)


def _objects(rows: list[tuple[Any, ...]]) -> Objects:
    table = np.array(rows, dtype=np.float64).reshape(-1, 6)
    boxes = np.concatenate([table[:, :2], table[:, :2] + table[:, 2:4]], axis=1)
    return Objects(boxes=boxes, labels=table[:, 4].astype(np.int64), crowd=table[:, 5] != 0)


def _found(detections: Detections | None) -> tuple[Found, int]:
    """The detections, best first, and how many are no finite numbers."""
    if detections is None:
        none = np.zeros(0)
        return Found(boxes=np.zeros((0, 4)), scores=none, labels=none.astype(np.int64)), 0
    boxes, scores = detections.boxes.double().numpy(), detections.scores.double().numpy()
    finite = np.isfinite(boxes).all(axis=1) & np.isfinite(scores)
    order = np.flatnonzero(finite)
    order = order[np.argsort(-scores[order], kind="stable")]
    found = Found(boxes=boxes[order], scores=scores[order], labels=detections.labels.numpy()[order])
    return found, len(finite) - len(order)
