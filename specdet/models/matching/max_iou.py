"""Matching by the largest overlap, for all images at once."""

import torch
from torch import Tensor

from specdet.boxes.anchors import Anchors
from specdet.boxes.iou import pairwise_iou
from specdet.models.matching.spec import MaxIoUAssignerSpec

NEGATIVE = -1
IGNORED = -2


class MaxIoUAssigner:
    """Anchors to ground truth by thresholds on the IoU."""

    def __init__(self, spec: MaxIoUAssignerSpec):
        self.spec = spec

    def match(self, anchors: Anchors, *, boxes: Tensor, valid: Tensor, candidates: Tensor | None = None) -> Tensor:
        """What each anchor is for, as `__call__` says, of (N, M, 4) ground truth boxes, xyxy px."""
        return self(pairwise_iou(boxes, anchors.boxes), valid=valid, candidates=candidates)

    def __call__(self, iou: Tensor, *, valid: Tensor, candidates: Tensor | None = None) -> Tensor:
        """What each anchor is for.

        Args:
            iou: (N, M, A) of every ground truth with every anchor, M >= 1. Overwritten.
            valid: (N, M) bool; slots of ground truth that count.
            candidates: (N, A) bool; anchors that take part, all of them by default.

        Returns:
            (N, A) int64: the slot of its ground truth, or -1 for a negative, or -2 for an ignored anchor.
        """
        iou.masked_fill_(~valid[..., None], -1.0)
        if candidates is not None:
            iou.masked_fill_(~candidates[:, None], -1.0)
        best_iou, best_slot = iou.max(dim=1)
        matched = torch.where(best_iou >= self.spec.pos_iou, best_slot, IGNORED)
        matched = torch.where(best_iou < self.spec.neg_iou, NEGATIVE, matched)
        if self.spec.match_low_quality:
            matched = self._raise_best(matched, iou, best_slot)
        return matched if candidates is None else torch.where(candidates, matched, IGNORED)

    def _raise_best(self, matched: Tensor, iou: Tensor, best_slot: Tensor) -> Tensor:
        """Make the best anchors of each ground truth positive; ties are equally good."""
        peaks = iou.amax(dim=2, keepdim=True)
        # A ground truth that overlaps nothing would tie with every anchor that it does not touch.
        wanted = torch.where((peaks >= self.spec.min_pos_iou) & (peaks > 0), peaks, torch.inf)
        slots = torch.arange(1, iou.shape[1] + 1, device=iou.device)[:, None]
        if self.spec.low_quality == "first":
            first = torch.where(wanted.isfinite(), slots, 0)
            last = torch.zeros_like(matched).scatter_reduce(1, iou.argmax(dim=2), first.squeeze(-1), "amax") - 1
            return torch.where(last >= 0, last, matched)
        is_peak = iou == wanted
        if self.spec.low_quality == "best_kept":
            return torch.where(is_peak.any(dim=1), best_slot, matched)
        last = (is_peak * slots.short()).amax(dim=1).long() - 1
        return torch.where(last >= 0, last, matched)
