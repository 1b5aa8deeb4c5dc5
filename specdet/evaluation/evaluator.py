"""Evaluator: what turns detections into numbers."""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from specdet.structures import Detections


class Evaluator(Protocol):
    """Compares detections with the ground truth of one data set.

    Implementations are made as `Evaluator(spec, *, ground_truth)`; `spec.build(ground_truth=dataset.ground_truth())`.
    """

    @property
    def image_ids(self) -> frozenset[int]:
        """The images that have to be looked at, each once."""
        ...

    def evaluate(self, detections: Mapping[int, Detections]) -> dict[str, float]:
        """Metrics by name, from the detections of each image on the CPU.

        A metric that the ground truth leaves undefined (no object of that size, say) is left out.
        """
        ...


@runtime_checkable
class Detailed(Protocol):
    """An evaluator that has more to tell than numbers."""

    def details(self) -> dict[str, Any]:
        """Of the last evaluation, as JSON."""
        ...
