"""What heads over anchors share: anchors, targets and losses, for the whole batch at once."""

from collections.abc import Sequence
from typing import Any

import attrs
import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from specdet.boxes.anchors import Anchors
from specdet.boxes.iou import pairwise_iou
from specdet.models.reduction import mean_over_ranks, reduce_loss
from specdet.models.samples import Samples
from specdet.structures import Batch, Targets


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


class AnchorHead(nn.Module):
    """Base of heads over anchors that tell objects from background.

    Args:
        spec: With `anchors`, `coder`, `loss_cls` and `loss_box`.
        strides: Of each level, px.
        train: With `assigner`, `sampler`, `allowed_border`, `exclude_padding`, `average` and `loss_normalizer`.
    """

    loss_names = ("loss/cls", "loss/box")

    def __init__(self, spec: Any, *, strides: Sequence[int], train: Any):
        super().__init__()
        self.spec, self.train_spec = spec, train
        self.anchor_generator = spec.anchors.build(strides=strides)
        self.coder = spec.coder.build()
        self.loss_cls = spec.loss_cls.build()
        self.loss_box = spec.loss_box.build()
        self.assigner = train.assigner.build()
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

    @torch.no_grad()
    def match(self, anchors: Anchors, batch: Batch) -> tuple[Tensor, Tensor]:
        """What each anchor is for.

        Returns:
            (N, A) int64: slot of its ground truth, -1 for negatives, -2 for ignored; and (N, M, 4) boxes of the slots.
        """
        assert batch.targets is not None, "losses are asked for with targets"
        targets = _with_a_slot(batch.targets)
        with torch.autocast(targets.boxes.device.type, enabled=False):
            iou = pairwise_iou(targets.boxes, anchors.boxes)
            matched = self.assigner(iou, valid=targets.valid, candidates=self._candidates(anchors, batch))
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
        height, width = batch.images.shape[-2:]
        sizes = self.anchor_generator.feature_sizes((height, width))
        anchors = self.anchor_generator(sizes, image_size=(height, width), device=batch.images.device)
        matched, _ = self.match(anchors, batch)
        return dict.fromkeys(self.loss_names, self.normalizer(self.sampler(matched, keys=batch.keys, ids=anchors.ids)))

    def loss(self, predictions: Predictions, batch: Batch) -> dict[str, Tensor]:
        """The () float32 losses of one batch by name."""
        anchors = predictions.anchors
        matched, truth = self.match(anchors, batch)
        samples = self.sampler(matched, keys=batch.keys, ids=anchors.ids)
        normalizers = batch.normalizers
        if normalizers is None:
            count = self.normalizer(samples)
            count = mean_over_ranks(count) if self.train_spec.loss_normalizer == "global" else count
            normalizers = dict.fromkeys(self.loss_names, count)
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
        deltas = _rows(predictions.deltas, samples.pos).float()
        references = predictions.anchors.boxes[samples.pos]
        boxes = _rows(truth, matched.gather(1, samples.pos).clamp(min=0))
        boxes = torch.where(samples.pos_used[..., None], boxes, references)
        if self.loss_box.on == "boxes":
            return self.loss_box(self.coder.decode(references, deltas), boxes)
        return self.loss_box(deltas, self.coder.encode(references, boxes))

    def _candidates(self, anchors: Anchors, batch: Batch) -> Tensor | None:
        """(N, A) bool: anchors that may be sampled, None where all may."""
        candidates = None
        if self.train_spec.exclude_padding:
            padded = (batch.sizes + batch.size_divisor - 1) // batch.size_divisor * batch.size_divisor
            candidates = anchors.within(padded)
        if self.train_spec.allowed_border >= 0:
            inside = anchors.inside(batch.sizes, border=self.train_spec.allowed_border)
            candidates = inside if candidates is None else candidates & inside
        return candidates


def _rows(table: Tensor, index: Tensor) -> Tensor:
    """(N, A, 4) at (N, P) to (N, P, 4)."""
    return table.gather(1, index[..., None].expand(-1, -1, table.shape[-1]))


def _with_a_slot(targets: Targets) -> Targets:
    """The same targets with at least one slot, so that every reduction over slots is defined."""
    if targets.boxes.shape[1] > 0:
        return targets
    return Targets(
        boxes=pad(targets.boxes, (0, 0, 0, 1)),
        labels=pad(targets.labels, (0, 1), value=-1),
        crowd=pad(targets.crowd, (0, 1)),
    )
