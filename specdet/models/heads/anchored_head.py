"""What all heads over anchors share: the anchors of a batch, and what each of them is for."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from specdet.boxes.anchors import Anchors
from specdet.models.slots import with_a_slot
from specdet.structures import Batch, Targets


class AnchoredHead(nn.Module):
    """Base of heads over anchors.

    Args:
        spec: With `anchors`, `coder`, `loss_cls` and `loss_box`.
        strides: Of each level, px.
        train: With `assigner`, `allowed_border`, `exclude_padding` and `loss_normalizer`.
    """

    def __init__(self, spec: Any, *, strides: Sequence[int], train: Any):
        super().__init__()
        self.spec, self.train_spec = spec, train
        self.anchor_generator = spec.anchors.build(strides=strides)
        self.coder = spec.coder.build()
        self.loss_cls = spec.loss_cls.build()
        self.loss_box = spec.loss_box.build()
        self.assigner = train.assigner.build()

    def anchors_of(self, batch: Batch) -> Anchors:
        """The anchors of a batch, as the features of its images will have them."""
        size = batch.images.shape[2], batch.images.shape[3]
        return self.anchor_generator(
            self.anchor_generator.feature_sizes(size), image_size=size, device=batch.images.device
        )

    @torch.no_grad()
    def assign(self, anchors: Anchors, batch: Batch) -> tuple[Tensor, Targets]:
        """What each anchor is for.

        Returns:
            (N, A) int64: slot of its ground truth, -1 for negatives, -2 for ignored; and the targets, of at least one
            slot.
        """
        assert batch.targets is not None, "losses are asked for with targets"
        targets = with_a_slot(batch.targets)
        with torch.autocast(targets.boxes.device.type, enabled=False):
            matched = self.assigner.match(
                anchors, boxes=targets.boxes, valid=targets.valid, candidates=self._candidates(anchors, batch)
            )
        return matched, targets

    def _candidates(self, anchors: Anchors, batch: Batch) -> Tensor | None:
        """(N, A) bool: anchors that take part, None where all do."""
        candidates = None
        if self.train_spec.exclude_padding:
            padded = (batch.sizes + batch.size_divisor - 1) // batch.size_divisor * batch.size_divisor
            candidates = anchors.within(padded)
        if self.train_spec.allowed_border >= 0:
            inside = anchors.inside(batch.sizes, border=self.train_spec.allowed_border)
            candidates = inside if candidates is None else candidates & inside
        return candidates
