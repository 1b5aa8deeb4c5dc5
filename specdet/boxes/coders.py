"""Box coders: regression targets from pairs of boxes, and back."""

import math

import torch
from torch import Tensor

from specdet.boxes.formats import cxcywh_to_xyxy, xyxy_to_cxcywh
from specdet.boxes.spec import DeltaXYWHSpec

MAX_LOG_RATIO = abs(math.log(16 / 1000))  # the most that one regression may grow a box, in all libraries


class DeltaXYWH:
    """(dx, dy, dw, dh): shifts in units of the reference box, and logarithms of size ratios."""

    def __init__(self, spec: DeltaXYWHSpec):
        self.spec = spec

    # Means and stds stay Python numbers: a tensor made of them would wait for the device at every step.

    def encode(self, references_xyxy: Tensor, boxes_xyxy: Tensor) -> Tensor:
        """What takes each reference to its box; (..., 4) px and (..., 4) px to (..., 4)."""
        rx, ry, rw, rh = xyxy_to_cxcywh(references_xyxy).unbind(-1)
        x, y, w, h = xyxy_to_cxcywh(boxes_xyxy).unbind(-1)
        deltas = ((x - rx) / rw, (y - ry) / rh, (w / rw).log(), (h / rh).log())
        scales = zip(deltas, self.spec.means, self.spec.stds, strict=True)
        return torch.stack([(delta - mean) / std for delta, mean, std in scales], dim=-1)

    def decode(self, references_xyxy: Tensor, deltas: Tensor) -> Tensor:
        """The boxes that deltas make of their references; (..., 4) px and (..., 4) to (..., 4) px, not clipped."""
        scales = zip(deltas.unbind(-1), self.spec.means, self.spec.stds, strict=True)
        dx, dy, dw, dh = (delta * std + mean for delta, mean, std in scales)
        low = -MAX_LOG_RATIO if self.spec.clamp == "both" else None
        rx, ry, rw, rh = xyxy_to_cxcywh(references_xyxy).unbind(-1)
        w, h = (rw * dw.clamp(low, MAX_LOG_RATIO).exp(), rh * dh.clamp(low, MAX_LOG_RATIO).exp())
        return cxcywh_to_xyxy(torch.stack((rx + dx * rw, ry + dy * rh, w, h), dim=-1))
