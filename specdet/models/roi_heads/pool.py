"""RoIAlign over the levels of a pyramid, as one operator of static shape.

On a GPU each level is asked for all boxes, those of other levels moved to where there is nothing, which costs next to
no time and lets the host run ahead. On a CPU, where there is nothing to run ahead of, each level is asked for its own.
"""

from collections.abc import Sequence
from typing import Any

import torch
import torchvision  # noqa: F401  (its operators)
from torch import Tensor

NOWHERE = -1e6  # px, beyond the reach of any sample


@torch.library.custom_op("specdet::pool_levels", mutates_args=())
def pool_levels(
    features: Sequence[Tensor],
    boxes: Tensor,
    levels: Tensor,
    scales: Sequence[float],
    output_size: int,
    sampling_ratio: int,
    aligned: bool,
) -> Tensor:
    """Cut boxes out of the levels that they are said to lie on.

    Args:
        features: (N, C, H, W) float32 a level.
        boxes: (R, 5) float32: image, then xyxy in px of the image.
        levels: (R,) int64.
        scales: Of each level, cells in a px.
        output_size: S, cells.
        sampling_ratio: Points of a cell in each direction, or 0.
        aligned: As torchvision's.

    Returns:
        (R, C, S, S) float32.
    """
    pooled = features[0].new_zeros(len(boxes), features[0].shape[1], output_size, output_size)
    for level, (feature, scale) in enumerate(zip(features, scales, strict=True)):
        chosen, own = of_level(boxes, levels, level)
        found = torch.ops.torchvision.roi_align(feature, own, scale, output_size, output_size, sampling_ratio, aligned)
        pooled = pooled.add_(found) if chosen is None else pooled.index_copy_(0, chosen, found)
    return pooled


@pool_levels.register_fake
def _(
    features: Sequence[Tensor],
    boxes: Tensor,
    levels: Tensor,
    scales: Sequence[float],
    output_size: int,
    sampling_ratio: int,
    aligned: bool,
) -> Tensor:
    return features[0].new_empty(len(boxes), features[0].shape[1], output_size, output_size)


@torch.library.custom_op("specdet::pool_levels_backward", mutates_args=())
def pool_levels_backward(
    gradient: Tensor,
    boxes: Tensor,
    levels: Tensor,
    scales: Sequence[float],
    sampling_ratio: int,
    aligned: bool,
    sizes: Sequence[int],
) -> list[Tensor]:
    """The gradients of the features; `sizes` are N, C, H, W of each level, in one row."""
    side = gradient.shape[-1]
    gradients = []
    for level, scale in enumerate(scales):
        chosen, own = of_level(boxes, levels, level)
        outer = gradient if chosen is None else gradient[chosen]
        gradients.append(
            torch.ops.torchvision._roi_align_backward(
                outer, own, scale, side, side, *sizes[4 * level : 4 * level + 4], sampling_ratio, aligned
            )
        )
    return gradients


@pool_levels_backward.register_fake
def _(
    gradient: Tensor,
    boxes: Tensor,
    levels: Tensor,
    scales: Sequence[float],
    sampling_ratio: int,
    aligned: bool,
    sizes: Sequence[int],
) -> list[Tensor]:
    return [gradient.new_empty(sizes[first : first + 4]) for first in range(0, len(sizes), 4)]


def of_level(boxes: Tensor, levels: Tensor, level: int) -> tuple[Tensor | None, Tensor]:
    """Which rows are cut from a level and their boxes; or None and all boxes, those of other levels moved away."""
    if boxes.device.type == "cpu":
        chosen = (levels == level).nonzero()[:, 0]
        return chosen, boxes[chosen]
    return None, moved_away(boxes, levels, level)


def moved_away(boxes: Tensor, levels: Tensor, level: int) -> Tensor:
    """(R, 5) boxes, those of other levels without extent at a place where there is nothing."""
    return torch.cat((boxes[:, :1], torch.where((levels == level)[:, None], boxes[:, 1:], NOWHERE)), dim=1)


def _keep(ctx: Any, inputs: tuple, output: Tensor) -> None:
    features, boxes, levels, ctx.scales, _, ctx.sampling_ratio, ctx.aligned = inputs
    ctx.save_for_backward(boxes, levels)
    ctx.sizes = [side for feature in features for side in feature.shape]


def _backward(ctx: Any, gradient: Tensor) -> tuple:
    boxes, levels = ctx.saved_tensors
    gradients = pool_levels_backward(
        gradient.contiguous(), boxes, levels, ctx.scales, ctx.sampling_ratio, ctx.aligned, ctx.sizes
    )
    return gradients, None, None, None, None, None, None


pool_levels.register_autograd(_backward, setup_context=_keep)
