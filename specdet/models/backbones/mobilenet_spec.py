"""Spec of MobileNetV3."""

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar, Literal

import attrs

from specdet.spec import Problem, Published, Spec, field, spec


@attrs.frozen(kw_only=True)
class Layout:
    """Where the five stages of a network lie, strides 2 to 32.

    Attributes:
        starts: Place of the first block of stages 2 to 5.
        channels: Of stages 1 to 4.
        expanded: Channels of the first convolution of the block after stages 1 to 4; None where it has none.
        last: Channels of the last block, of which the last convolution makes six times as many.
    """

    starts: tuple[int, ...]
    channels: tuple[int, ...]
    expanded: tuple[int | None, ...]
    last: int


LAYOUTS = {
    "large": Layout(starts=(2, 4, 7, 13), channels=(16, 24, 40, 112), expanded=(64, 72, 240, 672), last=160),
    "small": Layout(starts=(1, 2, 4, 9), channels=(16, 16, 24, 48), expanded=(None, 72, 96, 288), last=96),
}
LAST_STAGE = 5


@spec
class MobileNetV3Spec(Spec):
    """Depthwise convolutions, few and cheap (Howard et al. 2019, arXiv:1905.02244), as torchvision's."""

    builds: ClassVar[str] = "specdet.models.backbones.mobilenet:MobileNetV3"

    size: Literal["large", "small"] = field("large", help="Which of the paper's two networks.")
    width: float = field(1.0, gt=0, le=4, help="Factor on all channels.")
    reduced_tail: bool = field(False, help="Half the channels in the last stage, as the paper's SSDLite has it.")
    out_stages: tuple[int, ...] = field(
        (3, 4, 5),
        ge=1,
        le=LAST_STAGE,
        min_length=1,
        help="Stages whose features are given: strides 2 to 32 as 1 to 5, the last one with the last 1x1 convolution.",
    )
    features_of: Literal["block", "expansion"] = field(
        "block",
        help="What is given of a stage but the last: the outputs of its last block, or (SSDLite) what the next block "
        "expands them to before it halves their size.",
    )
    frozen_stages: int = field(-1, ge=-1, le=LAST_STAGE, help="Train all: -1. Freeze stages 1 to n: n.")
    norm: Literal["BN", "FrozenBN", "GN", "SyncBN"] = field("BN", help="Normalisation after each convolution.")
    norm_eval: bool = field(
        False,
        depends_on={"norm": ("BN", "SyncBN")},
        help="Keep the running statistics of BN as they are, which suits pretrained weights; the rest of BN learns.",
    )
    norm_eps: float = field(1e-3, ge=0, advanced=True, help="Added to variances.")
    norm_momentum: float = field(
        0.01,
        gt=0,
        le=1,
        advanced=True,
        depends_on={"norm": ("BN", "SyncBN")},
        help="Share of a batch's statistics in the running ones; 0.03 in torchvision's SSDLite.",
    )
    weights: Literal["none", "IMAGENET1K_V1", "IMAGENET1K_V2"] = field(
        "none", depends_on={"weights_file": (None,)}, help="Weights that torchvision publishes for this network."
    )
    weights_file: Published | Path | None = field(
        None,
        depends_on={"weights": ("none",)},
        help="Instead, a file of weights with torchvision's names (.pth or .safetensors), or the address of one.",
    )

    @property
    def layout(self) -> Layout:
        """Where its stages lie."""
        return LAYOUTS[self.size]

    @property
    def out_channels(self) -> tuple[int, ...]:
        """Channels of each level given."""
        last = 6 * self._scaled(self.layout.last // 2 if self.reduced_tail else self.layout.last)
        given = self.layout.channels if self.features_of == "block" else self.layout.expanded
        return tuple(last if stage == LAST_STAGE else self._scaled(given[stage - 1] or 0) for stage in self.out_stages)

    @property
    def out_strides(self) -> tuple[int, ...]:
        """Stride of each level given, px."""
        return tuple(2**stage for stage in self.out_stages)

    def _scaled(self, channels: int) -> int:
        """The multiple of 8 that is nearest to `width` times as many, and not a tenth less (the paper's rule)."""
        wanted = channels * self.width
        rounded = max(8, int(wanted + 4) // 8 * 8)
        return rounded + 8 if rounded < 0.9 * wanted else rounded

    def problems(self) -> Iterable[Problem]:
        if list(self.out_stages) != sorted(set(self.out_stages)):
            yield Problem(path="out_stages", message="name each stage once, the first one first, such as [4, 5]")
        if self.features_of == "expansion":
            for stage in self.out_stages:
                if stage < LAST_STAGE and self.layout.expanded[stage - 1] is None:
                    yield Problem(path="out_stages", message=f"nothing is expanded after stage {stage} of {self.size}")
        if self.weights != "none" and self.weights_file is not None:
            yield Problem(path="weights_file", message='unset it, or set weights = "none"')
        if self.weights != "none":
            yield from self._problems_of_published()

    def _problems_of_published(self) -> Iterable[Problem]:
        if self.size == "small" and self.weights == "IMAGENET1K_V2":
            yield Problem(path="weights", message="small has no IMAGENET1K_V2; use IMAGENET1K_V1")
        for name, plain in (("width", 1.0), ("reduced_tail", False)):
            if getattr(self, name) != plain:
                message = f'{self.weights} has {str(plain).lower()}; leave it, or set weights = "none"'
                yield Problem(path=name, message=message)
        if self.norm == "GN":
            yield Problem(path="norm", message=f"{self.weights} was trained with BN; choose BN, FrozenBN or SyncBN")
