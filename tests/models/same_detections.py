"""Two lists of detections that are the same but for the order of near ties."""

import torch
from torch import Tensor

from specdet.structures import Detections


def assert_same_detections(
    found: Detections, *, boxes: Tensor, scores: Tensor, labels: Tensor, rtol: float = 1e-4
) -> None:
    """Raise unless both have the same scores in order, and each detection has its like in the other.

    Args:
        found: Ours.
        boxes, scores, labels: (D, 4) xyxy px, (D,) and (D,) of the other library.
        rtol: Of scores; and of boxes, of the longest side that occurs.
    """
    assert len(found) == len(boxes)
    torch.testing.assert_close(found.scores, scores, rtol=rtol, atol=1e-6)
    if len(boxes) == 0:
        return
    apart = (found.boxes[:, None] - boxes).abs().amax(dim=-1)
    unlike = found.labels[:, None] != labels
    unlike |= (found.scores[:, None] - scores).abs() > rtol * scores
    apart = apart.masked_fill(unlike, torch.inf)
    tolerance = rtol * boxes.abs().max()
    assert apart.amin(dim=0).max() <= tolerance
    assert apart.amin(dim=1).max() <= tolerance
