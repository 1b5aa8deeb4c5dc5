"""Non-maximum suppression of a whole batch in one call."""

import attrs
import torch
from torch import Tensor
from torchvision.ops import batched_nms


@attrs.frozen(kw_only=True, eq=False)
class Kept:
    """What survives, best first, padded to D slots an image.

    Attributes:
        indices: (N, D) int64 into the candidates; any number in unused slots.
        scores: (N, D) float32; -inf in unused slots.
        valid: (N, D) bool; the used slots come first.
    """

    indices: Tensor
    scores: Tensor
    valid: Tensor


def nms(
    boxes_xyxy: Tensor, scores: Tensor, *, groups: Tensor, valid: Tensor, iou_threshold: float, max_kept: int
) -> Kept:
    """Greedy suppression within each image and group.

    Args:
        boxes_xyxy: (N, K, 4) px.
        scores: (N, K).
        groups: (K,) or (N, K) int64 >= 0; boxes of different groups (levels, classes) leave each other alone.
        valid: (N, K) bool; the others are out from the start.
        iou_threshold: A box goes when it overlaps a better one by more than this.
        max_kept: At most D = min(max_kept, K) boxes an image are kept.
    """
    num_images, num_candidates = scores.shape
    scores = torch.where(valid, scores.float(), -torch.inf)
    boxes = torch.where(valid[..., None], boxes_xyxy.float(), 0.0)  # empty boxes overlap nothing
    images = torch.arange(num_images, device=scores.device)[:, None]
    image_groups = images * (groups.amax() + 1) + groups
    with torch.autocast(scores.device.type, enabled=False):
        kept = batched_nms(boxes.flatten(0, 1), scores.flatten(), image_groups.flatten(), iou_threshold)
    survives = torch.zeros(num_images * num_candidates, dtype=torch.bool, device=scores.device)
    survives = survives.index_fill(0, kept, True).view_as(scores) & valid
    ranked, indices = torch.where(survives, scores, -torch.inf).sort(dim=1, descending=True, stable=True)
    ranked, indices = ranked[:, :max_kept], indices[:, :max_kept]
    return Kept(indices=indices, scores=ranked, valid=survives.gather(1, indices))
