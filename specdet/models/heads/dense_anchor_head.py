"""Heads over anchors that tell K classes apart at every one of them: losses on all anchors, detections of the best."""

from collections.abc import Sequence
from typing import Any

import attrs
import torch
from torch import Tensor

from specdet.boxes.anchors import Anchors
from specdet.boxes.formats import clip_boxes
from specdet.boxes.iou import elementwise_iou
from specdet.boxes.nms import Kept
from specdet.models.heads.anchored_head import AnchoredHead
from specdet.models.heads.best import best_detections
from specdet.models.heads.towers import Tower, shared_channels
from specdet.models.reduction import count_of_ranks
from specdet.models.slots import rows
from specdet.structures import Batch


@attrs.frozen(kw_only=True, eq=False)
class DensePredictions:
    """What a head says of every anchor, in the order of `Anchors`.

    Attributes:
        logits: (N, A, K) of each class.
        deltas: (N, A, 4) of the head's coder.
        anchors: The A anchors.
        centerness: (N, A) logits of how well an anchor lies in its object; None for heads that do not tell.
    """

    logits: Tensor
    deltas: Tensor
    anchors: Anchors
    centerness: Tensor | None = None


@attrs.frozen(kw_only=True, eq=False)
class DenseTargets:
    """What a head is to say of every anchor.

    Attributes:
        labels: (N, A) int64: 0..K-1 where there is an object, -1 where there is none, -2 where nothing is asked.
        boxes: (N, A, 4) float32 xyxy px of the objects; elsewhere the anchor itself.
    """

    labels: Tensor
    boxes: Tensor

    @property
    def positive(self) -> Tensor:
        """(N, A) bool: anchors with an object."""
        return self.labels >= 0

    @property
    def asked(self) -> Tensor:
        """(N, A) bool: anchors that are to tell whether there is one."""
        return self.labels >= -1


class DenseAnchorHead(AnchoredHead):
    """Base of heads that tell classes and boxes apart in two towers of convolutions; they add the last layers.

    Args:
        spec: With `feat_channels`, `num_convs` and `norm` besides what `AnchoredHead` takes.
        in_channels: Of each level; all equal.
        strides: Of each level, px.
        num_classes: K.
        train: See `AnchoredHead`.
        test: Settings of detections, see `best_detections`.

    Raises:
        ValueError: Where levels differ in channels, or anchors do not fit them.
    """

    def __init__(
        self, spec: Any, *, in_channels: Sequence[int], strides: Sequence[int], num_classes: int, train: Any, test: Any
    ):
        super().__init__(spec, strides=strides, train=train)
        self.num_classes, self.test_spec = num_classes, test
        channels = shared_channels(tuple(in_channels), head=type(self).__name__)
        convs = {"num_convs": spec.num_convs, "norm": spec.norm}
        self.cls_convs = Tower(channels, spec.feat_channels, **convs)
        self.reg_convs = Tower(channels, spec.feat_channels, **convs)
        self.last_channels = spec.feat_channels if spec.num_convs else channels

    def flatten(
        self,
        logits: Sequence[Tensor],
        deltas: Sequence[Tensor],
        *,
        image_size: tuple[int, int],
        centerness: Sequence[Tensor] | None = None,
    ) -> DensePredictions:
        """Maps of B anchors a cell, (N, B K, H, W), (N, 4 B, H, W) and (N, B, H, W) a level, to one row of anchors."""
        sizes = tuple((each.shape[2], each.shape[3]) for each in logits)
        return DensePredictions(
            logits=_in_a_row(logits, self.num_classes),
            deltas=_in_a_row(deltas, 4),
            anchors=self.anchor_generator(sizes, image_size=image_size, device=logits[0].device),
            centerness=None if centerness is None else _in_a_row(centerness, 1).squeeze(-1),
        )

    @torch.no_grad()
    def targets(self, anchors: Anchors, batch: Batch) -> DenseTargets:
        """What the head is to say of each anchor."""
        matched, targets = self.assign(anchors, batch)
        positive, slot = matched >= 0, matched.clamp(min=0)
        return DenseTargets(
            labels=torch.where(positive, targets.labels.gather(1, slot), matched),
            boxes=torch.where(positive[..., None], rows(targets.boxes, slot), anchors.boxes),
        )

    def counts(self, anchors: Anchors, targets: DenseTargets) -> dict[str, Tensor]:
        """Loss name to (N,) float32: how many places of each image a loss is a sum over, or what they weigh in all."""
        positives = targets.positive.sum(dim=1).clamp(min=1).float()
        return {"loss/cls": positives, "loss/box": positives}

    @torch.no_grad()
    def normalizers(self, batch: Batch) -> dict[str, Tensor]:
        """Loss name to () float32 count of this batch, from its targets alone."""
        anchors = self.anchors_of(batch)
        return self.totals(self.counts(anchors, self.targets(anchors, batch)))

    def totals(self, counts: dict[str, Tensor]) -> dict[str, Tensor]:
        """What the losses of a batch are divided by, before ranks are averaged: () of the (N,) counts of its images."""
        return {name: each.sum() for name, each in counts.items()}

    def reduce(self, losses: dict[str, Tensor], counts: dict[str, Tensor], batch: Batch) -> dict[str, Tensor]:
        """The () float32 losses of a batch, of the (N,) sums over each image and their counts."""
        normalizers = batch.normalizers
        if normalizers is None:
            totals = self.totals(counts)
            own = torch.stack(list(totals.values()))
            shared = count_of_ranks(own, loss_normalizer=self.train_spec.loss_normalizer, training=self.training)
            normalizers = dict(zip(totals, shared.unbind(), strict=True))
        return {name: each.sum() / normalizers[name].clamp(min=1) for name, each in losses.items()}

    def loss(self, outputs: DensePredictions, batch: Batch) -> dict[str, Tensor]:
        """The () float32 losses of one batch by name."""
        anchors = outputs.anchors
        targets = self.targets(anchors, batch)
        with torch.autocast(anchors.boxes.device.type, enabled=False):
            sums = self.loss_sums(outputs, targets)
            return self.reduce(sums, self.counts(anchors, targets), batch)

    def loss_sums(self, outputs: DensePredictions, targets: DenseTargets) -> dict[str, Tensor]:
        """Loss name to the (N,) float32 sums over each image."""
        deltas = outputs.deltas.float()
        return {
            "loss/cls": sum_of_images(self.class_losses(outputs, targets, deltas=deltas), used=targets.asked),
            "loss/box": sum_of_images(self.box_losses(outputs, targets, deltas=deltas), used=targets.positive),
        }

    def class_losses(self, outputs: DensePredictions, targets: DenseTargets, *, deltas: Tensor) -> Tensor:
        """(N, A, K) float32."""
        present = targets.labels[..., None] == torch.arange(self.num_classes, device=targets.labels.device)
        if self.loss_cls.on == "qualities":
            found = self.coder.decode(outputs.anchors.boxes, deltas.detach())
            present = present * elementwise_iou(found, targets.boxes)[..., None]
        return self.loss_cls(outputs.logits.float(), present)

    def box_losses(self, outputs: DensePredictions, targets: DenseTargets, *, deltas: Tensor) -> Tensor:
        """(N, A) float32; finite for anchors without an object, too."""
        references = outputs.anchors.boxes
        if self.loss_box.on == "boxes":
            return self.loss_box(self.coder.decode(references, deltas), targets.boxes)
        return self.loss_box(deltas, self.coder.encode(references, targets.boxes))

    @torch.no_grad()
    def detect(self, outputs: DensePredictions, *, sizes: Tensor) -> tuple[Tensor, Kept, Tensor]:
        """(N, D, 4) xyxy boxes in px of the padded images, what is kept of them, and (N, D) int64 labels.

        Args:
            outputs: Of every anchor.
            sizes: (N, 2) height and width of each image without padding, px.
        """
        anchors = outputs.anchors

        def decode(places: Tensor) -> Tensor:
            return clip_boxes(self.coder.decode(anchors.boxes[places], rows(outputs.deltas, places).float()), sizes)

        with torch.autocast(anchors.boxes.device.type, enabled=False):
            return best_detections(
                outputs.logits.float().sigmoid(),
                counts=anchors.counts,
                decode=decode,
                test=self.test_spec,
                factors=None if outputs.centerness is None else outputs.centerness.float().sigmoid(),
            )


def _in_a_row(maps: Sequence[Tensor], width: int) -> Tensor:
    """(N, B width, H, W) a level to (N, A, width)."""
    return torch.cat([each.permute(0, 2, 3, 1).reshape(len(each), -1, width) for each in maps], dim=1)


def sum_of_images(losses: Tensor, *, used: Tensor) -> Tensor:
    """(N,) sums of (N, A) or (N, A, K) over the (N, A) used anchors."""
    used = used[(..., *[None] * (losses.dim() - used.dim()))]
    return torch.where(used, losses, 0.0).flatten(1).sum(dim=1)
