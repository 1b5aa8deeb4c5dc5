"""COCO's matching of detections to ground truth, as arrays; faster-coco-eval does the counting."""

import logging
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar

import attrs
import numpy as np
from faster_coco_eval import COCO, COCOeval_faster

from specdet.evaluation.spec import CocoEvaluatorSpec
from specdet.structures import Detections

logger = logging.getLogger(__name__)

S = TypeVar("S", bound=CocoEvaluatorSpec)

ANY_AREA = (0.0, 1e10)
ANNOTATION_KEYS = ("image_id", "category_id", "bbox", "area", "iscrowd")  # a copy of the masks would be of no use


@attrs.frozen(kw_only=True, eq=False)
class CocoCounts:
    """What COCO counts, with -1 where there is no ground truth.

    Letters: T IoU thresholds, R recall points, K classes (1 if class-agnostic), A areas (all objects first), M limits.

    Attributes:
        precision: (T, R, K, A, M) float64.
        recall: (T, K, A, M) float64, the highest recall reached.
    """

    precision: np.ndarray
    recall: np.ndarray


class CocoGroundTruth:
    """The ground truth of a data set, ready to be compared with detections.

    Args:
        ground_truth: A COCO table: `images`, `annotations` (bbox xywh, area, iscrowd, ids) and `categories`; the k-th
            category is label k. It is copied, never changed.
        spec: IoU thresholds and areas.
    """

    def __init__(self, ground_truth: Mapping[str, Any], *, spec: CocoEvaluatorSpec):
        self.spec = spec
        self.category_ids = [category["id"] for category in ground_truth["categories"]]
        self.class_names = [category["name"] for category in ground_truth["categories"]]
        self.image_ids = frozenset(image["id"] for image in ground_truth["images"])
        self._table = ground_truth
        if not self.category_ids:
            raise ValueError("the ground truth has no categories: there is nothing that could be found")

    @cached_property
    def _coco(self) -> COCO:
        """Indexed when first needed, so on the main process only; ids from 1, as the matching takes 0 for none."""
        table = self._table
        return _indexed(
            table["images"],
            [
                {"id": place, **{key: annotation[key] for key in ANNOTATION_KEYS}}
                for place, annotation in enumerate(table["annotations"], start=1)
            ],
            table["categories"],
        )

    def count(self, detections: Mapping[int, Detections], *, limits: Sequence[int], class_agnostic: bool) -> CocoCounts:
        """Match the detections of every image of the data set.

        Args:
            detections: Image id -> detections, best first, on the CPU; images that it lacks have none.
            limits: How many detections an image (and class) are looked at, ascending.
            class_agnostic: Whether a detection of any class may find an object of any class.

        Raises:
            ValueError: Where the detections have images or labels that the data set does not have.
        """
        unknown = sorted(detections.keys() - self.image_ids)
        if unknown:
            raise ValueError(
                f"detections for images that the ground truth does not have: {unknown[:5]}; is this another data set?"
            )
        classes = len(self.category_ids)
        labels = max((int(found.labels.max()) + 1 for found in detections.values() if len(found)), default=0)
        if not class_agnostic and labels > classes:
            raise ValueError(f"the detector tells at least {labels} classes apart, the data set has {classes}")
        found = _indexed(
            self._coco.dataset["images"], self._results(detections, class_agnostic), self._coco.dataset["categories"]
        )
        counting = COCOeval_faster(self._coco, found, iouType="bbox", print_function=logger.debug)
        counting.params.useCats = int(not class_agnostic)
        counting.params.maxDets = list(limits)
        counting.params.iouThrs = np.asarray(self.spec.iou_thresholds)
        counting.params.areaRng = [list(area) for area in (ANY_AREA, *self.spec.areas.values())]
        counting.params.areaRngLbl = ["all", *self.spec.areas]
        counting.params.catIds = sorted(self.category_ids)
        counting.evaluate()
        counting.accumulate()
        order = [0] if class_agnostic else np.argsort(np.argsort(self.category_ids))  # ids ascend there, labels here
        return CocoCounts(
            precision=np.asarray(counting.eval["precision"])[:, :, order],
            recall=np.asarray(counting.eval["recall"])[:, order],
        )

    def _results(self, detections: Mapping[int, Detections], class_agnostic: bool) -> list[dict[str, Any]]:
        results: list[dict[str, Any]] = []
        broken = 0
        for image_id, found in detections.items():
            corners = found.boxes.double().numpy()
            boxes = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
            finite = np.isfinite(boxes).all(axis=1) & np.isfinite(found.scores.numpy())
            broken += int(len(found) - finite.sum())
            rows = zip(
                boxes[finite].tolist(),
                found.scores.double().numpy()[finite].tolist(),
                found.labels.numpy()[finite].tolist(),
                strict=True,
            )
            for box, score, label in rows:
                results.append(
                    {
                        "id": len(results) + 1,
                        "image_id": image_id,
                        "category_id": self.category_ids[0 if class_agnostic else label],
                        "bbox": box,
                        "area": box[2] * box[3],
                        "iscrowd": 0,
                        "score": score,
                    }
                )
        if broken:
            logger.warning("%d detections are not finite numbers and were left out", broken)
        return results


class CocoEvaluator(Generic[S]):
    """Base of evaluators by COCO's rules: a spec, and the ground truth to count against.

    Args:
        spec: With IoU thresholds and areas.
        ground_truth: The data set as a COCO table.
    """

    def __init__(self, spec: S, *, ground_truth: Mapping[str, Any]):
        self.spec = spec
        self.ground_truth = CocoGroundTruth(ground_truth, spec=spec)

    @property
    def image_ids(self) -> frozenset[int]:
        """The images of the ground truth."""
        return self.ground_truth.image_ids


def mean_of_defined(counts: np.ndarray, *, name: str) -> dict[str, float]:
    """`{name: mean}` over what has ground truth, or nothing (and a line in the log) where none of it has."""
    defined = counts[counts > -1]
    if defined.size == 0:
        logger.info("%s is left out: the ground truth has no object that it could count", name)
        return {}
    return {name: float(defined.mean())}


def _indexed(images: list[Any], annotations: list[dict[str, Any]], categories: list[Any]) -> COCO:
    coco = COCO()
    coco.dataset = {"images": images, "annotations": annotations, "categories": categories}
    coco.createIndex()
    return coco
