"""Feature pyramid network."""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn.functional import interpolate, max_pool2d, relu

from specdet.models.necks.spec import FPNSpec
from specdet.models.norm import norm_layer


class FPN(nn.Module):
    """Levels of different channels to levels of the same channels, each informed by the coarser ones.

    Args:
        spec: Shape and conventions.
        in_channels: Channels of each level given.
        in_strides: Strides of each level given, px.

    Raises:
        ValueError: Where `start_level` leaves none of the levels given.
    """

    def __init__(self, spec: FPNSpec, *, in_channels: Sequence[int], in_strides: Sequence[int]):
        super().__init__()
        for problem in spec.problems_after(in_channels):
            raise ValueError(f"FPN: {problem}")
        self.spec = spec
        self.out_channels = spec.channels_after(in_channels)
        self.out_strides = spec.strides_after(in_strides)
        used = in_channels[spec.start_level :]
        self.lateral_convs = nn.ModuleList(_conv(spec, channels, kernel_size=1) for channels in used)
        self.fpn_convs = nn.ModuleList(_conv(spec, spec.out_channels, kernel_size=3) for _ in used)
        if spec.extra_from != "max_pool":
            for extra in range(spec.extra_levels):
                channels = used[-1] if extra == 0 and spec.extra_from == "input" else spec.out_channels
                self.fpn_convs.append(_conv(spec, channels, kernel_size=3, stride=2))

    def forward(self, features: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """(N, C_i, H_i, W_i) for each level given to (N, out_channels, H_j, W_j) for each level made."""
        used = features[self.spec.start_level :]
        laterals = [conv(feature) for conv, feature in zip(self.lateral_convs, used, strict=True)]
        for finer in range(len(laterals) - 2, -1, -1):
            above = interpolate(laterals[finer + 1], size=laterals[finer].shape[-2:], mode="nearest")
            laterals[finer] = laterals[finer] + above
        outputs = [conv(lateral) for conv, lateral in zip(self.fpn_convs, laterals, strict=False)]
        if self.spec.extra_from == "max_pool":
            for _ in range(self.spec.extra_levels):
                outputs.append(max_pool2d(outputs[-1], kernel_size=1, stride=2))
            return tuple(outputs)
        x = used[-1] if self.spec.extra_from == "input" else outputs[-1]
        for index, conv in enumerate(self.fpn_convs[len(used) :]):
            x = conv(relu(x) if index > 0 and self.spec.relu_before_extra else x)
            outputs.append(x)
        return tuple(outputs)


def _conv(spec: FPNSpec, in_channels: int, *, kernel_size: int, stride: int = 1) -> nn.Module:
    norm = norm_layer(spec.norm)
    conv = nn.Conv2d(
        in_channels, spec.out_channels, kernel_size, stride=stride, padding=kernel_size // 2, bias=norm is None
    )
    nn.init.xavier_uniform_(conv.weight)
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
    return conv if norm is None else nn.Sequential(conv, norm(spec.out_channels))
