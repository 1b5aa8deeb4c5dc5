"""Non-maximum suppression of a whole batch in one call.

It is one operator of static shape, so that a model can be run on tensors without content (memory is estimated so).
Inside, and only there, the host waits for the device.
"""

import attrs
import torch
from torch import Tensor
from torchvision.ops import batched_nms

MOST_AT_ONCE = {"cpu": 1000, "gpu": 25_000}  # boxes; of more, each group by itself is faster, as torchvision found


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
    num_images = len(scores)
    scores = torch.where(valid, scores.float(), -torch.inf)
    boxes = torch.where(valid[..., None], boxes_xyxy.float(), 0.0)  # empty boxes overlap nothing
    images = torch.arange(num_images, device=scores.device)[:, None]
    image_groups = images * (groups.amax() + 1) + groups
    with torch.autocast(scores.device.type, enabled=False):
        survives = survivors(boxes.flatten(0, 1), scores.flatten(), image_groups.flatten(), iou_threshold)
    survives = survives.view_as(scores) & valid
    ranked, indices = torch.where(survives, scores, -torch.inf).sort(dim=1, descending=True, stable=True)
    ranked, indices = ranked[:, :max_kept], indices[:, :max_kept]
    return Kept(indices=indices, scores=ranked, valid=survives.gather(1, indices))


@torch.library.custom_op("specdet::nms_survivors", mutates_args=())
def survivors(boxes: Tensor, scores: Tensor, groups: Tensor, iou_threshold: float) -> Tensor:
    """Which of (K, 4) boxes survive suppression within their groups; (K,) bool."""
    if len(boxes) > MOST_AT_ONCE["cpu" if boxes.device.type == "cpu" else "gpu"]:
        kept = batched_nms(boxes, scores, groups, iou_threshold)  # group after group
    else:
        kept = torch.ops.torchvision.nms(boxes + _apart(boxes, groups), scores, iou_threshold)
    return torch.zeros_like(scores, dtype=torch.bool).index_fill(0, kept, True)


def _apart(boxes: Tensor, groups: Tensor) -> Tensor:
    """(K, 4) px that move groups to places of their own, on a square grid.

    In one row, the classes of a few images would lie so far out that float32 knows coordinates to 0.1 px or less well.
    """
    if not len(boxes):
        return boxes
    columns = groups.amax().add(1).sqrt().ceil().long()
    cell = boxes.amax() - boxes.amin().clamp(max=0) + 1
    column, row = groups % columns, torch.div(groups, columns, rounding_mode="floor")
    return torch.stack((column, row), dim=1).mul(cell).repeat(1, 2)


@survivors.register_fake
def _(boxes: Tensor, scores: Tensor, groups: Tensor, iou_threshold: float) -> Tensor:
    return torch.empty_like(scores, dtype=torch.bool)
