"""The detections of a head that scores every class at every place: the best of each level, then suppression."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from specdet.boxes.nms import Kept, nms


@torch.no_grad()
def best_detections(
    scores: Tensor,
    *,
    counts: Sequence[int],
    decode: Callable[[Tensor], Tensor],
    test: Any,
    factors: Tensor | None = None,
    best_of: Literal["level", "class"] = "level",
) -> tuple[Tensor, Kept, Tensor]:
    """Boxes of each image, with static shapes and one call of suppression.

    Args:
        scores: (N, A, K) float32, 0 to 1, by which boxes are chosen.
        counts: Places of each level; they sum to A.
        decode: (N, D) int64 indices of places to (N, D, 4) float32 xyxy, px of the padded images, clipped.
        test: With `nms_pre`, `min_score`, `nms_iou` and `max_detections`.
        factors: (N, A) float32; scores are multiplied by them once the best are chosen (FCOS of mmdetection).
        best_of: Of which `nms_pre` go into suppression: of each level, all classes together, or (SSD of torchvision)
            of each class, all levels together.

    Returns:
        (N, D, 4) boxes, what is kept of them (scores are used), and (N, D) int64 labels.
    """
    num_classes = scores.shape[-1]
    if best_of == "level":
        index = _best_of_levels(scores, counts=counts, most=test.nms_pre)
    else:
        index = _best_of_classes(scores, most=test.nms_pre)
    places, labels = index // num_classes, index % num_classes
    score = scores.flatten(1).gather(1, index)
    valid = score > test.min_score
    if factors is not None:
        score = score * factors.gather(1, places)
    boxes = decode(places)
    sides = boxes[..., 2:] - boxes[..., :2]
    kept = nms(
        boxes,
        score,
        groups=labels,
        valid=valid & (sides > 0).all(-1),
        iou_threshold=test.nms_iou,
        max_kept=test.max_detections,
    )
    return boxes.gather(1, kept.indices[..., None].expand(-1, -1, 4)), kept, labels.gather(1, kept.indices)


def _best_of_levels(scores: Tensor, *, counts: Sequence[int], most: int) -> Tensor:
    """(N, A, K) to the (N, D) int64 indices, of place times K plus class, of the `most` best of each level."""
    chosen, first = [], 0
    for level in scores.split(list(counts), dim=1):
        flat = level.flatten(1)
        best = flat.topk(min(most, flat.shape[1]), dim=1).indices
        chosen.append(best + first * scores.shape[2])
        first += level.shape[1]
    return torch.cat(chosen, dim=1)


def _best_of_classes(scores: Tensor, *, most: int) -> Tensor:
    """Likewise of each class."""
    places = scores.transpose(1, 2).topk(min(most, scores.shape[1]), dim=2).indices
    classes = torch.arange(scores.shape[2], device=scores.device)
    return (places * scores.shape[2] + classes[:, None]).flatten(1)
