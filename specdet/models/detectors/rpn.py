"""Region proposal network as a detector of its own."""

import torch
from torch import Tensor

from specdet.models.detectors.base import Detector, Features, detections_of, image_size
from specdet.models.detectors.spec import RPNSpec
from specdet.models.heads.anchor_head import Predictions
from specdet.structures import Batch, Detections


class RPN(Detector):
    """Class-agnostic proposals with scores; losses "loss/rpn_cls" and "loss/rpn_box"."""

    def __init__(self, spec: RPNSpec):
        super().__init__(spec)
        self.loss_normalizer = spec.train.loss_normalizer
        self.rpn_head = spec.rpn_head.build(in_channels=self.channels, strides=self.strides, train=spec.train)

    def predict(self, batch: Batch) -> Predictions:
        """What the head says of every anchor."""
        return self.rpn_head(self.features(batch), image_size=image_size(batch))

    def losses(self, features: Features, batch: Batch) -> dict[str, Tensor]:
        return self.rpn_head.loss(self.rpn_head(features, image_size=image_size(batch)), batch)

    def detections(self, features: Features, batch: Batch) -> list[Detections]:
        predictions = self.rpn_head(features, image_size=image_size(batch))
        boxes, kept = self.rpn_head.proposals(predictions, sizes=batch.sizes, settings=self.spec.test)
        return detections_of(boxes, kept, labels=torch.zeros_like(kept.indices), batch=batch)

    def normalizers(self, batch: Batch) -> dict[str, Tensor]:
        return self.rpn_head.normalizers(batch)
