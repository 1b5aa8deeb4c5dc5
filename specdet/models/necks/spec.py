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
