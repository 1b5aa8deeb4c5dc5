"""CocoBox: average precision of boxes."""

from collections.abc import Mapping

import numpy as np

from specdet.evaluation.coco import CocoEvaluator, mean_of_defined
from specdet.evaluation.spec import CocoBoxSpec
from specdet.structures import Detections


class CocoBox(CocoEvaluator[CocoBoxSpec]):
    """Average precision: `AP`, `AP50`, `AP75`, `AP_small` and so on, `AP/CLASS` if asked, and `AR@max_detections`.

    Args:
        spec: Limit, IoU thresholds, areas, and whether classes matter.
        ground_truth: The data set as a COCO table.
    """

    def evaluate(self, detections: Mapping[int, Detections]) -> dict[str, float]:
        """Metrics by name; what the ground truth leaves undefined is left out."""
        spec = self.spec
        counts = self.ground_truth.count(detections, limits=[spec.max_detections], class_agnostic=spec.class_agnostic)
        precision = counts.precision[..., 0]
        metrics = mean_of_defined(precision[..., 0], name="AP")
        for percent in (50, 75):
            at = np.isclose(spec.iou_thresholds, percent / 100)
            if at.any():
                metrics |= mean_of_defined(precision[at][..., 0], name=f"AP{percent}")
        for place, area in enumerate(spec.areas, start=1):
            metrics |= mean_of_defined(precision[..., place], name=f"AP_{area}")
        metrics |= mean_of_defined(counts.recall[..., 0, 0], name=f"AR@{spec.max_detections}")
        if spec.per_class:
            for label, name in enumerate(self.ground_truth.class_names):
                metrics |= mean_of_defined(precision[:, :, label, 0], name=f"AP/{name}")
        return metrics
