"""Normalisation layers by name, and convolutions with their normalisation folded in."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm, conv2d
from torchvision.ops import FrozenBatchNorm2d

GROUPS = 32  # of GN (Wu and He 2018, arXiv:1803.08494), fewer where they do not divide the channels


class BatchNorm2d(nn.BatchNorm2d):
    """As torch's; one value a channel (one image, one cell) has no variance, so it takes the running statistics."""

    def forward(self, input: Tensor) -> Tensor:
        if self.training and input.numel() == input.shape[1]:
            return batch_norm(input, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
        return super().forward(input)


class GroupNorm(nn.GroupNorm):
    """As torch's, which refuses one image of one cell where a group is one channel; here the bias comes out."""

    def forward(self, input: Tensor) -> Tensor:
        return torch.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)


def norm_layer(kind: str, *, eps: float = 1e-5, momentum: float = 0.1) -> Callable[[int], nn.Module] | None:
    """From channels to a layer; None for "none".

    Args:
        kind: "none", "BN", "FrozenBN", "GN" or "SyncBN".
        eps: Added to variances.
        momentum: Share of a batch's own statistics in the running ones of BN and SyncBN.
    """
    layers: dict[str, Callable[[int], nn.Module] | None] = {
        "none": None,
        "BN": partial(BatchNorm2d, eps=eps, momentum=momentum),
        "FrozenBN": partial(FrozenBatchNorm2d, eps=eps),
        "GN": lambda channels: GroupNorm(math.gcd(GROUPS, channels), channels, eps=eps),
        "SyncBN": partial(nn.SyncBatchNorm, eps=eps, momentum=momentum),
    }
    return layers[kind]


def conv_norm(x: Tensor, conv: nn.Conv2d, norm: Any) -> Tensor:
    """`norm(conv(x))`; where the statistics are fixed, the affine map goes into the weights and costs nothing.

    Both give the same gradients. Folding saves a pass over the features forward and one or two backward.

    Args:
        x: (N, C, H, W).
        conv: Without a bias.
        norm: The layer after it, of `norm_layer`.
    """
    if not _has_fixed_statistics(norm):
        return norm(conv(x))
    scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
    shift = norm.bias - norm.running_mean * scale
    return conv2d(
        x, conv.weight * scale[:, None, None, None], shift, conv.stride, conv.padding, conv.dilation, conv.groups
    )


def _has_fixed_statistics(norm: nn.Module) -> bool:
    return isinstance(norm, FrozenBatchNorm2d) or (
        isinstance(norm, nn.modules.batchnorm._BatchNorm) and not norm.training
    )


def set_statistics_fixed(module: nn.Module) -> None:
    """Put every batch norm inside into evaluation mode: running statistics are used and stay as they are."""
    for each in module.modules():
        if isinstance(each, nn.modules.batchnorm._BatchNorm):
            each.eval()
