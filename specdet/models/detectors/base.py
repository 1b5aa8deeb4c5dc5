"""Detector: what all detectors share, from a batch of images to features, and the one way in."""

from collections.abc import Sequence
from typing import Any, Literal

from torch import Tensor, nn

from specdet.boxes.formats import clip_boxes, scale_boxes
from specdet.boxes.nms import Kept
from specdet.models.detectors.preprocess import Preprocess
from specdet.models.necks.build import build_neck
from specdet.structures import Batch, Detections

Features = Sequence[Tensor]  # (N, C, H, W) a level


class Detector(nn.Module):
    """Base of detectors: `losses` and `detections` are theirs to say.

    Args:
        spec: With `preprocess`, `backbone` and `neck`.

    Attributes:
        channels, strides: Of the levels of features that the heads get.
        loss_normalizer: Over what losses are divided by the counts of all processes: "rank" or "global".
    """

    loss_normalizer = "rank"

    def __init__(self, spec: Any):
        super().__init__()
        self.spec = spec
        self.preprocess = Preprocess(spec.preprocess)
        self.backbone = spec.backbone.build()
        self.neck, self.channels, self.strides = build_neck(
            spec.neck, in_channels=self.backbone.out_channels, in_strides=self.backbone.out_strides
        )

    def forward(
        self, batch: Batch, *, returns: Literal["loss", "detections"] | None = None
    ) -> dict[str, Tensor] | list[Detections]:
        """Losses or detections of a batch.

        Args:
            batch: Images on the device of the model, with targets where losses are asked for.
            returns: "loss" (the default in training mode) gives () float32 tensors, those to minimise as "loss/...";
                "detections" (the default otherwise) one `Detections` an image, in pixels of the original images.

        Raises:
            ValueError: Where losses are asked for without targets.
        """
        returns = returns or ("loss" if self.training else "detections")
        if returns == "loss" and batch.targets is None:
            raise ValueError('losses need a batch with targets; pass returns="detections" for one without')
        features = self.features(batch)
        return self.losses(features, batch) if returns == "loss" else self.detections(features, batch)

    def features(self, batch: Batch) -> Features:
        """The pyramid of a batch."""
        return self.neck(self.backbone(self.preprocess(batch.images, sizes=batch.sizes)))

    def losses(self, features: Features, batch: Batch) -> dict[str, Tensor]:
        """The () float32 losses by name, of a batch with targets."""
        raise NotImplementedError  # each detector says how

    def detections(self, features: Features, batch: Batch) -> list[Detections]:
        """What is found in each image, best first, in pixels of the original images."""
        raise NotImplementedError  # each detector says how

    def normalizers(self, batch: Batch) -> dict[str, Tensor] | None:
        """Loss name to the () float32 count that this batch's losses would be divided by, found without the network.

        Losses that it does not name are divided by their own batch's count. None where no loss has such a count.
        """
        return None


def image_size(batch: Batch) -> tuple[int, int]:
    """Height and width of the padded images, px."""
    return batch.images.shape[-2], batch.images.shape[-1]


def detections_of(boxes_xyxy: Tensor, kept: Kept, *, labels: Tensor, batch: Batch) -> list[Detections]:
    """Padded results as one `Detections` an image; this is where the host waits for the device.

    Args:
        boxes_xyxy: (N, D, 4) px of the padded images.
        kept: Scores and which slots are used.
        labels: (N, D) int64.
    """
    # Scaled to 640 px, what ends at the border may end at 640.00006 px.
    boxes = scale_boxes(boxes_xyxy, sizes=batch.sizes, to_sizes=batch.original_sizes)
    boxes = clip_boxes(boxes, batch.original_sizes)
    counts = kept.valid.sum(dim=1).tolist()
    return [
        Detections(boxes=boxes[image, :count], scores=kept.scores[image, :count], labels=labels[image, :count])
        for image, count in enumerate(counts)
    ]
