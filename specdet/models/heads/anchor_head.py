"""Heads over anchors that tell objects from background: losses on a sample, for the whole batch at once."""

from collections.abc import Sequence
from typing import Any

import attrs
import torch
from torch import Tensor

from specdet.boxes.anchors import Anchors
from specdet.models.heads.anchored_head import AnchoredHead
from specdet.models.reduction import count_of_ranks, reduce_loss
from specdet.models.samples import Samples
from specdet.models.slots import rows
from specdet.structures import Batch


@attrs.frozen(kw_only=True, eq=False)
class Predictions:
    """What a head says of every anchor, in the order of `Anchors`.

    Attributes:
        logits: (N, A) object or not.
        deltas: (N, A, 4) of the head's coder.
        anchors: The A anchors.
    """

    logits: Tensor
    deltas: Tensor
    anchors: Anchors


class AnchorHead(AnchoredHead):
    """Base of heads over anchors that tell objects from background.

    Args:
        spec: With `anchors`, `coder`, `loss_cls` and `loss_box`.
        strides: Of each level, px.
        train: With `assigner`, `sampler`, `allowed_border`, `exclude_padding`, `average` and `loss_normalizer`.
    """

    loss_names = ("loss/cls", "loss/box")

    def __init__(self, spec: Any, *, strides: Sequence[int], train: Any):
        super().__init__(spec, strides=strides, train=train)
        self.sampler = train.sampler.build()

    def flatten(
        self, logits: Sequence[Tensor], deltas: Sequence[Tensor], *, image_size: tuple[int, int]
    ) -> Predictions:
        """Maps, (N, B, H, W) and (N, 4 B, H, W) a level with B anchors a cell, to one row of anchors."""
        sizes = tuple((each.shape[2], each.shape[3]) for each in logits)
        return Predictions(
            logits=torch.cat([each.permute(0, 2, 3, 1).flatten(1) for each in logits], dim=1),
            deltas=torch.cat([each.permute(0, 2, 3, 1).reshape(len(each), -1, 4) for each in deltas], dim=1),
            anchors=self.anchor_generator(sizes, image_size=image_size, device=logits[0].device),
        )

    def match(self, anchors: Anchors, batch: Batch) -> tuple[Tensor, Tensor]:
        """What each anchor is for.

        Returns:
            (N, A) int64: slot of its ground truth, -1 for negatives, -2 for ignored; and (N, M, 4) boxes of the slots.
        """
        matched, targets = self.assign(anchors, batch)
        return matched, targets.boxes

    @torch.no_grad()
    def normalizer(self, samples: Samples) -> Tensor:
        """() float32: what the losses of these samples are divided by, before ranks are averaged."""
        pos, neg = samples.pos_used.sum(dim=1), samples.neg_used.sum(dim=1)
        counts = {
            "at_least_one": lambda: (pos.clamp(min=1) + neg.clamp(min=1)).sum(),
            "sampled": lambda: (pos + neg).sum().clamp(min=1),
            "quota": lambda: torch.full_like(pos, self.sampler.spec.num).sum(),
        }
        return counts[self.train_spec.average]().float()

    def normalizers(self, batch: Batch) -> dict[str, Tensor]:
        """Loss name to () float32 count of this batch, from its targets alone."""
        anchors = self.anchors_of(batch)
        matched, _ = self.match(anchors, batch)
        return dict.fromkeys(self.loss_names, self.normalizer(self.sampler(matched, keys=batch.keys, ids=anchors.ids)))

    def loss(self, predictions: Predictions, batch: Batch) -> dict[str, Tensor]:
        """The () float32 losses of one batch by name."""
        anchors = predictions.anchors
        matched, truth = self.match(anchors, batch)
        samples = self.sampler(matched, keys=batch.keys, ids=anchors.ids)
        normalizers = batch.normalizers
        if normalizers is None:
            own = self.normalizer(samples)
            shared = count_of_ranks(own, loss_normalizer=self.train_spec.loss_normalizer, training=self.training)
            normalizers = dict.fromkeys(self.loss_names, shared)
        with torch.autocast(truth.device.type, enabled=False):
            # Sampled anchors alone are carried on: a few hundred out of hundreds of thousands.
            logits = predictions.logits.gather(1, torch.cat((samples.pos, samples.neg), dim=1)).float()
            is_pos = torch.cat((torch.ones_like(samples.pos), torch.zeros_like(samples.neg)), dim=1).float()
            used = torch.cat((samples.pos_used, samples.neg_used), dim=1)
            cls_loss = self.loss_cls(logits, is_pos)
            box_loss = self._box_loss(predictions, samples, matched=matched, truth=truth)
            cls_name, box_name = self.loss_names
            return {
                cls_name: reduce_loss(cls_loss, used=used, normalizer=normalizers[cls_name]),
                box_name: reduce_loss(box_loss, used=samples.pos_used, normalizer=normalizers[box_name]),
            }

    def _box_loss(self, predictions: Predictions, samples: Samples, *, matched: Tensor, truth: Tensor) -> Tensor:
        """(N, P) float32 of the positive slots; finite in unused ones."""
        deltas = rows(predictions.deltas, samples.pos).float()
        references = predictions.anchors.boxes[samples.pos]
        boxes = rows(truth, matched.gather(1, samples.pos).clamp(min=0))
        boxes = torch.where(samples.pos_used[..., None], boxes, references)
        if self.loss_box.on == "boxes":
            return self.loss_box(self.coder.decode(references, deltas), boxes)
        return self.loss_box(deltas, self.coder.encode(references, boxes))
