"""Detectors that tell what is in proposals: theirs, or those that a batch brings."""

from typing import Any

import attrs
from torch import Tensor
from torch.nn.functional import pad

from specdet.boxes.formats import have_extent
from specdet.masks.paste import paste_masks
from specdet.models.detectors.base import Detector, Features, detections_of, image_size
from specdet.models.detectors.classes import known_classes
from specdet.models.detectors.two_stage_spec import CascadeRCNNSpec, FasterRCNNSpec, FastRCNNSpec
from specdet.models.roi_heads.sample import Proposals
from specdet.structures import Batch, Detections


class ProposalDetector(Detector):
    """Base of detectors with a head on proposals, `roi_head`.

    Raises:
        ValueError: Where the number of classes is not known.
    """

    def __init__(self, spec: Any):
        super().__init__(spec)
        self.roi_head = spec.roi_head.build(
            in_channels=self.channels,
            strides=self.strides,
            num_classes=known_classes(spec),
            train=spec.train.roi,
            test=spec.test.roi,
        )

    def found(self, features: Features, proposals: Proposals, batch: Batch) -> list[Detections]:
        """What the head finds in the proposals, in pixels of the original images."""
        found = self.roi_head.detect(features, proposals, batch)
        detections = detections_of(found.boxes, found.kept, labels=found.labels, batch=batch)
        if found.masks is None:
            return detections
        sizes = batch.original_sizes.tolist()
        return [self._with_masks(*each) for each in zip(detections, found.masks, sizes, strict=True)]

    def _with_masks(self, detections: Detections, masks: Tensor, size: list[int]) -> Detections:
        """With masks (E, S, S) of an image of this height and width, of which the first are for the detections."""
        test = self.spec.test.roi
        painted = paste_masks(
            masks[: len(detections)],
            detections.boxes,
            size=(size[0], size[1]),
            paste=test.mask_paste,
            threshold=test.mask_threshold,
        )
        return attrs.evolve(detections, masks=painted)


class TwoStageDetector(ProposalDetector):
    """Base of detectors that make their proposals themselves, with `rpn_head`."""

    def __init__(self, spec: Any):
        super().__init__(spec)
        self.loss_normalizer = spec.train.rpn.loss_normalizer
        self.rpn_head = spec.rpn_head.build(in_channels=self.channels, strides=self.strides, train=spec.train.rpn)

    def losses(self, features: Features, batch: Batch) -> dict[str, Tensor]:
        predictions = self.rpn_head(features, image_size=image_size(batch))
        boxes, kept = self.rpn_head.proposals(predictions, sizes=batch.sizes, settings=self.spec.train.proposals)
        losses = self.rpn_head.loss(predictions, batch)
        return losses | self.roi_head.loss(features, Proposals(boxes=boxes, valid=kept.valid), batch)

    def detections(self, features: Features, batch: Batch) -> list[Detections]:
        predictions = self.rpn_head(features, image_size=image_size(batch))
        boxes, kept = self.rpn_head.proposals(predictions, sizes=batch.sizes, settings=self.spec.test.rpn)
        return self.found(features, Proposals(boxes=boxes, valid=kept.valid), batch)

    def normalizers(self, batch: Batch) -> dict[str, Tensor]:
        """Those of the proposal network; how many proposals are sampled, only the network knows."""
        return self.rpn_head.normalizers(batch)


class FasterRCNN(TwoStageDetector):
    """Losses "loss/rpn_cls", "loss/rpn_box" and those of its `roi_head`."""

    def __init__(self, spec: FasterRCNNSpec):
        super().__init__(spec)


class MaskRCNN(FasterRCNN):
    """Faster R-CNN that tells the masks of objects, too; another loss is "loss/mask"."""


class CascadeRCNN(TwoStageDetector):
    """Losses "loss/rpn_cls", "loss/rpn_box" and those of each stage of its `roi_head`."""

    def __init__(self, spec: CascadeRCNNSpec):
        super().__init__(spec)


class CascadeMaskRCNN(CascadeRCNN):
    """Cascade R-CNN that tells the masks of objects, too."""


class FastRCNN(ProposalDetector):
    """Losses of its `roi_head`, on `batch.proposals`.

    `forward` raises ValueError for a batch that brings none.
    """

    def __init__(self, spec: FastRCNNSpec):
        super().__init__(spec)
        self.loss_normalizer = spec.train.roi.loss_normalizer

    def losses(self, features: Features, batch: Batch) -> dict[str, Tensor]:
        return self.roi_head.loss(features, proposals_of(batch), batch)

    def detections(self, features: Features, batch: Batch) -> list[Detections]:
        return self.found(features, proposals_of(batch), batch)


def proposals_of(batch: Batch) -> Proposals:
    """The boxes that a batch brings, with at least one slot. Raises ValueError where it brings none."""
    if batch.proposals is None:
        raise ValueError(
            "this batch brings no proposals, and FastRCNN finds none itself: name files of them (data.train_proposals, "
            "data.val_proposals), which `specdet proposals` writes"
        )
    boxes = batch.proposals.float()
    boxes = boxes if boxes.shape[1] else pad(boxes, (0, 0, 0, 1))
    return Proposals(boxes=boxes, valid=have_extent(boxes))
