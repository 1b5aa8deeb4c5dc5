"""ProposalRecall: how many objects the best k proposals of an image cover, whatever their class."""

from collections.abc import Mapping

from specdet.evaluation.coco import CocoEvaluator, mean_of_defined
from specdet.evaluation.spec import ProposalRecallSpec
from specdet.structures import Detections


class ProposalRecall(CocoEvaluator[ProposalRecallSpec]):
    """Average recall over the IoU thresholds, for every limit k: `AR@k` of all objects, `AR@k_small` and so on by size.

    Args:
        spec: Limits, IoU thresholds and areas.
        ground_truth: The data set as a COCO table.
    """

    def evaluate(self, detections: Mapping[int, Detections]) -> dict[str, float]:
        """Average recall by name; what the ground truth leaves undefined is left out."""
        recall = self.ground_truth.count(detections, limits=self.spec.limits, class_agnostic=True).recall
        metrics: dict[str, float] = {}
        for place, limit in enumerate(self.spec.limits):
            metrics |= mean_of_defined(recall[:, :, 0, place], name=f"AR@{limit}")
            for size, area in enumerate(self.spec.areas, start=1):
                metrics |= mean_of_defined(recall[:, :, size, place], name=f"AR@{limit}_{area}")
        return metrics
