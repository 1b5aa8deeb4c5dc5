"""Specs of necks. Each tells, before anything is built, the channels and strides that it makes of those it is given."""

from collections.abc import Iterable, Sequence
from typing import ClassVar, Literal

from specdet.spec import Problem, Spec, field, spec

MOST_EXTRA_LEVELS = 8


@spec
class FPNSpec(Spec):
    """Feature pyramid (Lin et al. 2017, arXiv:1612.03144)."""

    builds: ClassVar[str] = "specdet.models.necks.fpn:FPN"

    out_channels: int = field(256, ge=1, help="Channels of every level.")
    start_level: int = field(0, ge=0, help="The first of the levels given that is used, counted from 0.")
    extra_levels: int = field(
        0, ge=0, le=MOST_EXTRA_LEVELS, help="Coarser levels to add, each of half the size of the one before."
    )
    extra_from: Literal["max_pool", "input", "output"] = field(
        "max_pool",
        depends_on={"extra_levels": tuple(range(1, MOST_EXTRA_LEVELS + 1))},
        help="What extra levels are made of: every other pixel of the last output (R-CNN), or convolutions of the "
        "last input (RetinaNet) or output (FCOS).",
    )
    relu_before_extra: bool = field(
        False,
        depends_on={"extra_levels": tuple(range(2, MOST_EXTRA_LEVELS + 1)), "extra_from": ("input", "output")},
        help="ReLU before each extra convolution but the first.",
    )
    norm: Literal["none", "BN", "GN"] = field("none", help="Normalisation after each convolution.")

    def channels_after(self, in_channels: Sequence[int]) -> tuple[int, ...]:
        """Channels of each level made."""
        return (self.out_channels,) * (len(in_channels) - self.start_level + self.extra_levels)

    def strides_after(self, in_strides: Sequence[int]) -> tuple[int, ...]:
        """Stride of each level made, px."""
        used = tuple(in_strides[self.start_level :])
        return used + tuple(used[-1] * 2**step for step in range(1, self.extra_levels + 1))

    def problems_after(self, in_channels: Sequence[int]) -> Iterable[Problem]:
        """What is wrong with this neck after levels of `in_channels`."""
        if self.start_level >= len(in_channels):
            yield Problem(path="start_level", message=f"{self.start_level} leaves none of {len(in_channels)} levels")


@spec
class SSDExtraSpec(Spec):
    """The extra levels of SSD (Liu et al. 2016, arXiv:1512.02325), each made of the one before; others stay."""

    builds: ClassVar[str] = "specdet.models.necks.ssd_extra:SSDExtra"

    channels: tuple[int, ...] = field((512, 256, 256, 256), ge=2, min_length=1, help="Of each extra level.")
    conv_strides: tuple[int, ...] = field(
        (2, 2, 1, 1), ge=1, min_length=1, help="Of the 3x3 convolution of each extra level."
    )
    paddings: tuple[int, ...] = field(
        (1, 1, 0, 0), ge=0, min_length=1, unit="cells", help="Likewise; 0 takes two cells off each side."
    )
    depthwise: bool = field(
        False, help="Make the 3x3 convolutions depthwise, with a 1x1 one behind (SSDLite, arXiv:1801.04381)."
    )
    norm: Literal["none", "BN", "GN", "SyncBN"] = field("none", help="Normalisation after each convolution.")
    norm_eps: float = field(
        1e-5,
        ge=0,
        advanced=True,
        depends_on={"norm": ("BN", "GN", "SyncBN")},
        help="Added to variances; 0.001 in torchvision's SSDLite.",
    )
    norm_momentum: float = field(
        0.1,
        gt=0,
        le=1,
        advanced=True,
        depends_on={"norm": ("BN", "SyncBN")},
        help="Share of a batch's statistics in the running ones; 0.03 in torchvision's SSDLite.",
    )
    activation: Literal["ReLU", "ReLU6"] = field("ReLU", help="After each convolution; SSDLite has ReLU6.")
    l2_norm_scale: float | None = field(
        None, gt=0, help="Scale the first level to this length at each place, to begin with: 20 for VGG; unset: do not."
    )

    def channels_after(self, in_channels: Sequence[int]) -> tuple[int, ...]:
        """Channels of each level made."""
        return (*in_channels, *self.channels)

    def strides_after(self, in_strides: Sequence[int]) -> tuple[int, ...]:
        """Distance of the cells of each level made, px."""
        strides = list(in_strides)
        for stride in self.conv_strides:
            strides.append(strides[-1] * stride)
        return tuple(strides)

    def problems(self) -> Iterable[Problem]:
        for name in ("conv_strides", "paddings"):
            if len(getattr(self, name)) != len(self.channels):
                message = f"has {len(getattr(self, name))} items, but channels has {len(self.channels)}"
                yield Problem(path=name, message=message)

    def problems_after(self, in_channels: Sequence[int]) -> Iterable[Problem]:
        """What is wrong with this neck after levels of `in_channels`: nothing."""
        return ()
