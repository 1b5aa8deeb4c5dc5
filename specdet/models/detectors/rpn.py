"""Region proposal network as a detector of its own."""

from typing import Literal

from torch import Tensor, nn

from specdet.boxes.formats import scale_boxes
from specdet.models.detectors.preprocess import Preprocess
from specdet.models.detectors.spec import RPNSpec
from specdet.models.heads.anchor_head import Predictions
from specdet.models.necks.build import build_neck
from specdet.structures import Batch, Detections


class RPN(nn.Module):
    """Class-agnostic proposals with scores."""

    def __init__(self, spec: RPNSpec):
        super().__init__()
        self.spec = spec
        self.loss_normalizer = spec.train.loss_normalizer
        self.preprocess = Preprocess(spec.preprocess)
        self.backbone = spec.backbone.build()
        self.neck, channels, strides = build_neck(
            spec.neck, in_channels=self.backbone.out_channels, in_strides=self.backbone.out_strides
        )
        self.rpn_head = spec.rpn_head.build(in_channels=channels, strides=strides, train=spec.train, test=spec.test)

    def forward(
        self, batch: Batch, *, returns: Literal["loss", "detections"] | None = None
    ) -> dict[str, Tensor] | list[Detections]:
        """Losses or detections of a batch.

        Args:
            batch: Images on the device of the model, with targets where losses are asked for.
            returns: "loss" (the default in training mode) gives () float32 tensors "loss/rpn_cls" and "loss/rpn_box";
                "detections" (the default otherwise) one `Detections` an image, in pixels of the original images.

        Raises:
            ValueError: Where losses are asked for without targets.
        """
        returns = returns or ("loss" if self.training else "detections")
        if returns == "loss" and batch.targets is None:
            raise ValueError('losses need a batch with targets; pass returns="detections" for one without')
        predictions = self.predict(batch)
        return self.rpn_head.loss(predictions, batch) if returns == "loss" else self._detections(predictions, batch)

    def predict(self, batch: Batch) -> Predictions:
        """What the head says of every anchor."""
        images = self.preprocess(batch.images, sizes=batch.sizes)
        height, width = batch.images.shape[-2:]
        return self.rpn_head(self.neck(self.backbone(images)), image_size=(height, width))

    def normalizers(self, batch: Batch) -> dict[str, Tensor]:
        """Loss name to the () float32 count that this batch's losses would be divided by, found without the network."""
        return self.rpn_head.normalizers(batch)

    def _detections(self, predictions: Predictions, batch: Batch) -> list[Detections]:
        boxes, kept = self.rpn_head.proposals(predictions, sizes=batch.sizes)
        boxes = scale_boxes(boxes, sizes=batch.sizes, to_sizes=batch.original_sizes)
        counts = kept.valid.sum(dim=1).tolist()
        return [
            Detections(
                boxes=boxes[image, :count],
                scores=kept.scores[image, :count],
                labels=kept.indices.new_zeros(count),
            )
            for image, count in enumerate(counts)
        ]
