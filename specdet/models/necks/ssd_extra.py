"""SSDExtra: coarser levels behind those of a backbone."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize, relu, relu6

from specdet.models.necks.spec import SSDExtraSpec
from specdet.models.norm import norm_layer

KERNEL = 3  # of the convolution that makes a level smaller


class L2Norm(nn.Module):
    """Features of length 1 at each place, times a learnt factor for each channel (arXiv:1506.04579)."""

    def __init__(self, channels: int, *, scale: float):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), scale))

    def forward(self, x: Tensor) -> Tensor:
        return self.weight[:, None, None] * normalize(x.float())


class SSDExtra(nn.Module):
    """The levels given, and behind them others, each of two convolutions (three in SSDLite) of the one before.

    Args:
        spec: Shape and conventions.
        in_channels: Channels of each level given.
        in_strides: Strides of each level given, px.
    """

    def __init__(self, spec: SSDExtraSpec, *, in_channels: Sequence[int], in_strides: Sequence[int]):
        super().__init__()
        self.spec = spec
        self.out_channels = spec.channels_after(in_channels)
        self.out_strides = spec.strides_after(in_strides)
        self.activation = relu6 if spec.activation == "ReLU6" else relu
        if spec.l2_norm_scale is not None:
            self.l2_norm = L2Norm(in_channels[0], scale=spec.l2_norm_scale)
        self.extra_layers = nn.ModuleList()
        before = in_channels[-1]
        for channels, stride, padding in zip(spec.channels, spec.conv_strides, spec.paddings, strict=True):
            middle = channels // 2
            layers = [_conv(spec, before, middle)]
            spatial = {"kernel_size": KERNEL, "stride": stride, "padding": padding}
            if spec.depthwise:
                layers += [_conv(spec, middle, middle, groups=middle, **spatial), _conv(spec, middle, channels)]
            else:
                layers.append(_conv(spec, middle, channels, **spatial))
            self.extra_layers.append(nn.ModuleList(layers))
            before = channels

    def forward(self, features: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """(N, C_i, H_i, W_i) for each level given to the same and (N, channels, H_j, W_j) for each extra level.

        Raises:
            ValueError: For images that are too small for the extra levels.
        """
        size = (features[-1].shape[2], features[-1].shape[3])
        if min(min(made) for made in self.sizes_after([size])) < 1:
            raise ValueError(
                f"SSDExtra: nothing is left of a level of {size[0]} x {size[1]} cells; "
                "stretch images to the size of the spec (300 x 300 px for SSD300), or set paddings to 1"
            )
        levels, x = list(features), features[-1]
        for layers in self.extra_layers:
            assert isinstance(layers, nn.ModuleList)
            for layer in layers:
                x = self.activation(layer(x))
            levels.append(x)
        if self.spec.l2_norm_scale is not None:
            levels[0] = self.l2_norm(levels[0])
        return tuple(levels)

    def sizes_after(self, sizes: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
        """Heights and widths of each level made of levels of these `sizes`, cells."""
        made = list(sizes)
        for stride, padding in zip(self.spec.conv_strides, self.spec.paddings, strict=True):
            height, width = ((side + 2 * padding - KERNEL) // stride + 1 for side in made[-1])
            made.append((height, width))
        return tuple(made)


def _conv(
    spec: SSDExtraSpec, in_channels: int, out_channels: int, *, kernel_size: int = 1, **options: Any
) -> nn.Module:
    norm = norm_layer(spec.norm, eps=spec.norm_eps, momentum=spec.norm_momentum)
    conv = nn.Conv2d(in_channels, out_channels, kernel_size, bias=norm is None, **options)
    nn.init.xavier_uniform_(conv.weight)
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
    return conv if norm is None else nn.Sequential(conv, norm(out_channels))
