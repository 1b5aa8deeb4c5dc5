"""COCO's matching of detections to ground truth, as arrays; faster-coco-eval does the counting."""

import logging
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, Generic, TypeVar

import attrs
import numpy as np
from faster_coco_eval import COCO, COCOeval_faster

from specdet.collection import without_collection
from specdet.evaluation.encoded import encoded_masks
from specdet.evaluation.spec import CocoEvaluatorSpec
from specdet.masks import rle
from specdet.structures import Detections

logger = logging.getLogger(__name__)

S = TypeVar("S", bound=CocoEvaluatorSpec)

ANY_AREA = (0.0, 1e10)
ANNOTATION_KEYS = ("image_id", "category_id", "bbox", "area", "iscrowd")


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
        masks: Compare masks instead of boxes; then annotations have a `segmentation`, or are a region where nothing is
            right or wrong.
    """

    def __init__(self, ground_truth: Mapping[str, Any], *, spec: CocoEvaluatorSpec, masks: bool = False):
        self.spec, self.masks = spec, masks
        self.category_ids = [category["id"] for category in ground_truth["categories"]]
        self.class_names = [category["name"] for category in ground_truth["categories"]]
        self.image_ids = frozenset(image["id"] for image in ground_truth["images"])
        self._sizes = {each["id"]: (each["height"], each["width"]) for each in ground_truth["images"]} if masks else {}
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
                {
                    "id": place,
                    **{key: annotation[key] for key in ANNOTATION_KEYS},
                    **(_outlined(annotation) if self.masks else {}),
                }
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
            ValueError: Where the detections have images or labels that the data set does not have, or lack masks.
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
        with without_collection():
            counting = self._counting(detections, class_agnostic=class_agnostic)
            counting.params.maxDets = list(limits)
            counting.evaluate()
            counting.accumulate()
        order = [0] if class_agnostic else np.argsort(np.argsort(self.category_ids))  # ids ascend there, labels here
        return CocoCounts(
            precision=np.asarray(counting.eval["precision"])[:, :, order],
            recall=np.asarray(counting.eval["recall"])[:, order],
        )

    def _counting(self, detections: Mapping[int, Detections], *, class_agnostic: bool) -> COCOeval_faster:
        """What counts these detections, with the spec's parameters."""
        found = _indexed(
            self._coco.dataset["images"], self._results(detections, class_agnostic), self._coco.dataset["categories"]
        )
        kind = "segm" if self.masks else "bbox"
        counting = COCOeval_faster(self._coco, found, iouType=kind, print_function=logger.debug)
        counting.params.useCats = int(not class_agnostic)
        counting.params.iouThrs = np.asarray(self.spec.iou_thresholds)
        counting.params.areaRng = [list(area) for area in (ANY_AREA, *self.spec.areas.values())]
        counting.params.areaRngLbl = ["all", *self.spec.areas]
        counting.params.catIds = sorted(self.category_ids)
        return counting

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
                self._shapes(image_id, found, finite),
                strict=True,
            )
            for box, score, label, shape in rows:
                results.append(
                    {
                        "id": len(results) + 1,
                        "image_id": image_id,
                        "category_id": self.category_ids[0 if class_agnostic else label],
                        "bbox": box,
                        "area": box[2] * box[3],
                        "iscrowd": 0,
                        "score": score,
                        **shape,
                    }
                )
        if broken:
            logger.warning("%d detections are not finite numbers and were left out", broken)
        return results

    def _shapes(self, image_id: int, found: Detections, rows: np.ndarray) -> list[dict[str, Any]]:
        """What a mask adds to each row of the results."""
        if not self.masks:
            return [{}] * int(rows.sum())
        masks = encoded_masks(found)
        if masks is None:
            raise ValueError("the detector gives no masks, which are what CocoMask compares; CocoBox compares boxes")
        height, width = self._sizes[image_id]
        encoded = [masks[row] for row in np.flatnonzero(rows).tolist()]
        areas = rle.areas(encoded, height=height, width=width).tolist()
        return [
            {"segmentation": rle.as_coco(text, height=height, width=width), "area": area}
            for text, area in zip(encoded, areas, strict=True)
        ]


class CocoEvaluator(Generic[S]):
    """Base of evaluators by COCO's rules: a spec, and the ground truth to count against.

    Args:
        spec: With IoU thresholds and areas.
        ground_truth: The data set as a COCO table.

    Attributes:
        masks: Whether masks are compared, instead of boxes.
    """

    masks: ClassVar[bool] = False

    def __init__(self, spec: S, *, ground_truth: Mapping[str, Any]):
        self.spec = spec
        self.ground_truth = CocoGroundTruth(ground_truth, spec=spec, masks=self.masks)

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


def _outlined(annotation: Mapping[str, Any]) -> dict[str, Any]:
    """The mask of an annotation; without one, its box, where nothing is right or wrong."""
    if annotation.get("segmentation"):
        return {"segmentation": annotation["segmentation"]}
    left, top, width, height = annotation["bbox"]
    right, bottom = left + width, top + height
    return {"segmentation": [[left, top, right, top, right, bottom, left, bottom]], "iscrowd": 1}


def _indexed(images: list[Any], annotations: list[dict[str, Any]], categories: list[Any]) -> COCO:
    coco = COCO()
    coco.dataset = {"images": images, "annotations": annotations, "categories": categories}
    coco.createIndex()
    return coco
