"""Detectors whose one head tells classes and boxes at every place of a pyramid."""

from typing import Any

from torch import Tensor

from specdet.models.detectors.base import Detector, Features, detections_of, image_size
from specdet.models.detectors.classes import known_classes
from specdet.structures import Batch, Detections


class SingleStageDetector(Detector):
    """RetinaNet, FCOS, ATSS and SSD: what differs is their head.

    A head takes `features` and `image_size` to outputs of its own; `loss(outputs, batch)` gives losses by name,
    `detect(outputs, sizes=...)` (N, D, 4) boxes in px of the padded images, what is kept of them and (N, D) labels, and
    `normalizers(batch)` what `Detector.normalizers` gives.

    Args:
        spec: With `bbox_head`, `num_classes`, `train` and `test` besides what every detector has.

    Raises:
        ValueError: Where the number of classes is not known.
    """

    def __init__(self, spec: Any):
        super().__init__(spec)
        self.loss_normalizer = spec.train.loss_normalizer
        self.bbox_head = spec.bbox_head.build(
            in_channels=self.channels,
            strides=self.strides,
            num_classes=known_classes(spec),
            train=spec.train,
            test=spec.test,
        )

    def losses(self, features: Features, batch: Batch) -> dict[str, Tensor]:
        return self.bbox_head.loss(self.bbox_head(features, image_size=image_size(batch)), batch)

    def detections(self, features: Features, batch: Batch) -> list[Detections]:
        outputs = self.bbox_head(features, image_size=image_size(batch))
        boxes, kept, labels = self.bbox_head.detect(outputs, sizes=batch.sizes)
        return detections_of(boxes, kept, labels=labels, batch=batch)

    def normalizers(self, batch: Batch) -> dict[str, Tensor] | None:
        return self.bbox_head.normalizers(batch)
