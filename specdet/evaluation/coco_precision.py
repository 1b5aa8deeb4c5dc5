"""CocoPrecision: COCO's twelve numbers, of boxes or of masks."""

from collections.abc import Iterator, Mapping
from typing import TypeVar

import numpy as np

from specdet.evaluation.coco import CocoCounts, CocoEvaluator, mean_of_defined
from specdet.evaluation.spec import CocoPrecisionSpec
from specdet.structures import Detections

P = TypeVar("P", bound=CocoPrecisionSpec)

WHOLE = slice(None)


class CocoPrecision(CocoEvaluator[P]):
    """COCO's twelve numbers: `AP`, `AP50`, `AP75`, `AP_small` and so on, `AR@1`, `AR@10`, `AR@100`, `AR@100_small`...

    `AP/CLASS` and the like come with them if asked.

    Args:
        spec: Limit, IoU thresholds, areas, and whether classes matter.
        ground_truth: The data set as a COCO table.
    """

    def evaluate(self, detections: Mapping[int, Detections]) -> dict[str, float]:
        """Metrics by name; what the ground truth leaves undefined is left out."""
        spec = self.spec
        counts = self.ground_truth.count(detections, limits=spec.limits, class_agnostic=spec.class_agnostic)
        metrics: dict[str, float] = {}
        for name, values in _measured(counts, spec=spec, classes=WHOLE):
            metrics |= mean_of_defined(values, name=name)
        for label, of_class in enumerate(self.ground_truth.class_names if spec.per_class else ()):
            measured = dict(_measured(counts, spec=spec, classes=slice(label, label + 1)))
            for name in spec.class_metrics:
                metrics |= mean_of_defined(measured[name], name=f"{name}/{of_class}")
        return metrics


def _measured(counts: CocoCounts, *, spec: CocoPrecisionSpec, classes: slice) -> Iterator[tuple[str, np.ndarray]]:
    """Each metric with the counts that it is the mean of."""
    precision, recall = counts.precision[:, :, classes, :, -1], counts.recall[:, classes]  # (T, R, K, A), (T, K, A, M)
    yield "AP", precision[..., 0]
    for percent in spec.percents:
        yield f"AP{percent}", precision[np.isclose(spec.iou_thresholds, percent / 100)][..., 0]
    for place, area in enumerate(spec.areas, start=1):
        yield f"AP_{area}", precision[..., place]
    for place, limit in enumerate(spec.limits):
        yield f"AR@{limit}", recall[..., 0, place]
    for place, area in enumerate(spec.areas, start=1):
        yield f"AR@{spec.max_detections}_{area}", recall[..., place, -1]
