"""What heads on proposals share."""

from collections.abc import Sequence
from typing import Any

import attrs
import torch
from torch import Tensor, nn

from specdet.boxes.formats import have_extent
from specdet.boxes.nms import Kept, nms
from specdet.models.reduction import count_of_ranks, reduce_loss
from specdet.models.roi_heads.bbox_head import BBoxHead, BBoxOutputs
from specdet.models.roi_heads.mask_head import MaskHead
from specdet.models.roi_heads.masks import mask_losses, mask_probabilities, masks_of
from specdet.models.roi_heads.sample import Proposals, RoISample
from specdet.models.slots import rows
from specdet.structures import Batch


@attrs.frozen(kw_only=True, eq=False)
class Found:
    """What is found in the images of a batch, padded to D slots each, best first.

    Attributes:
        boxes: (N, D, 4) float32 xyxy, px of the padded images.
        kept: Scores, and which slots are used.
        labels: (N, D) int64.
        masks: (N, E, S, S) float32 0 to 1, of the slots that are used in some image; None where there is no mask head.
    """

    boxes: Tensor
    kept: Kept
    labels: Tensor
    masks: Tensor | None = None


class RoIHead(nn.Module):
    """Base of heads on proposals.

    Args:
        spec: With `bbox_roi_extractor`, `mask_roi_extractor` and `mask_head`.
        in_channels, strides: Of each level of the pyramid; all channels are equal.
        num_classes: K, without background.
        train: With `sampler`, `add_truth` and `loss_normalizer`.
        test: With `min_score`, `min_size`, `nms_iou` and `max_detections`.
    """

    def __init__(
        self, spec: Any, *, in_channels: Sequence[int], strides: Sequence[int], num_classes: int, train: Any, test: Any
    ):
        super().__init__()
        if len(set(in_channels)) > 1:
            message = f"one head on proposals cannot serve levels of {list(in_channels)} channels"
            raise ValueError(message)
        self.spec, self.train_spec, self.test_spec = spec, train, test
        self.in_channels, self.strides, self.num_classes = in_channels[0], tuple(strides), num_classes
        self.sampler = train.sampler.build()
        self.bbox_roi_extractor = spec.bbox_roi_extractor.build(strides=strides)
        self.mask_roi_extractor = spec.mask_head and spec.mask_roi_extractor.build(strides=strides)

    def loss(self, features: Sequence[Tensor], proposals: Proposals, batch: Batch) -> dict[str, Tensor]:
        """The () float32 losses of one batch by name."""
        raise NotImplementedError  # each head says how

    def detect(self, features: Sequence[Tensor], proposals: Proposals, batch: Batch) -> Found:
        """What is found in the proposals of each image."""
        raise NotImplementedError  # each head says how

    def make_bbox_head(self, spec: Any) -> BBoxHead:
        """A head on what the extractor cuts out."""
        return spec.build(
            in_channels=self.in_channels, in_size=self.bbox_roi_extractor.spec.output_size, num_classes=self.num_classes
        )

    def bbox_outputs(self, head: BBoxHead, features: Sequence[Tensor], boxes_xyxy: Tensor) -> BBoxOutputs:
        """What a head says of (N, R, 4) boxes."""
        return head(self.bbox_roi_extractor(features, boxes_xyxy), num_images=len(boxes_xyxy))

    def bbox_losses(
        self, head: BBoxHead, outputs: BBoxOutputs, sample: RoISample, *, batch: Batch, names: tuple[str, str]
    ) -> dict[str, Tensor]:
        """The () float32 losses of the class and of the box, by these names."""
        given = batch.normalizers or {}
        count = self.normalizer(sample) if not given.keys() >= {*names} else given[names[0]]
        losses = zip(names, head.loss(outputs, sample), (sample.used, sample.positive), strict=True)
        return {name: reduce_loss(loss, used=used, normalizer=given.get(name, count)) for name, loss, used in losses}

    def make_mask_head(self) -> MaskHead:
        """A head on what the extractor of masks cuts out."""
        return self.spec.mask_head.build(
            in_channels=self.in_channels, in_size=self.mask_roi_extractor.spec.output_size, num_classes=self.num_classes
        )

    def mask_loss(
        self, head: MaskHead, features: Sequence[Tensor], sample: RoISample, *, batch: Batch, name: str
    ) -> dict[str, Tensor]:
        """The () float32 loss of masks, by this name: the mean over the positives of the sample."""
        assert batch.targets is not None, "losses are asked for with targets"
        losses, used = mask_losses(head, self.mask_roi_extractor, features, sample, masks_of(batch.targets))
        count = (batch.normalizers or {}).get(name)
        return {name: reduce_loss(losses, used=used, normalizer=self._count(used) if count is None else count)}

    @torch.no_grad()
    def with_masks(self, found: Found, heads: Sequence[MaskHead], features: Sequence[Tensor]) -> Found:
        """The same with masks, the mean of what some heads say."""
        # The host waits here, so that no mask is made for a slot that is used nowhere.
        most = max(1, int(found.kept.valid.sum(dim=1).max()))
        boxes, labels = found.boxes[:, :most], found.labels[:, :most]
        masks = mask_probabilities(heads, self.mask_roi_extractor, features, boxes, labels)
        return attrs.evolve(found, masks=masks)

    @torch.no_grad()
    def normalizer(self, sample: RoISample) -> Tensor:
        """() float32: what the losses of this sample are divided by."""
        return self._count(sample.used)

    @torch.no_grad()
    def _count(self, used: Tensor) -> Tensor:
        own = used.sum().clamp(min=1).float()
        return count_of_ranks(own, loss_normalizer=self.train_spec.loss_normalizer, training=self.training)


@torch.no_grad()
def best_of(boxes_xyxy: Tensor, scores: Tensor, *, valid: Tensor, test: Any) -> Found:
    """The best boxes of each class, without doubles.

    Args:
        boxes_xyxy: (N, R, B, 4) float32 px, B = K, or 1 where one box serves all classes.
        scores: (N, R, K) float32.
        valid: (N, R) bool.
        test: With `min_score`, `min_size`, `nms_iou` and `max_detections`.
    """
    num_classes = scores.shape[-1]
    large = have_extent(boxes_xyxy, test.min_size) & valid[..., None]
    candidates = torch.where(large & (scores > test.min_score), scores, -torch.inf).flatten(1)
    # The host waits here, so that suppression, whose cost grows with the square, gets no more than there is.
    most = max(1, int((candidates > -torch.inf).sum(dim=1).max()))
    score, index = candidates.topk(most, dim=1)
    labels = index % num_classes
    place = index // num_classes if boxes_xyxy.shape[2] == 1 else index
    boxes = rows(boxes_xyxy.flatten(1, 2), place)
    kept = nms(
        boxes, score, groups=labels, valid=score > -torch.inf, iou_threshold=test.nms_iou, max_kept=test.max_detections
    )
    return Found(boxes=rows(boxes, kept.indices), kept=kept, labels=labels.gather(1, kept.indices))
