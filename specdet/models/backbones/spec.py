"""Specs of backbones. Each tells, before anything is built, the channels and strides of the levels it gives."""

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar, Literal

from specdet.spec import Problem, Spec, field, spec


@spec
class ResNetSpec(Spec):
    """Residual network (He et al. 2015, arXiv:1512.03385), stride in the 3x3 convolutions, as torchvision's."""

    builds: ClassVar[str] = "specdet.models.backbones.resnet:ResNet"

    depth: Literal[18, 34, 50, 101, 152] = field(50, help="Number of layers.")
    base_channels: int = field(
        64, ge=8, advanced=True, help="Channels of the stem; each stage after the first doubles them."
    )
    out_stages: tuple[int, ...] = field(
        (1, 2, 3, 4),
        ge=1,
        le=4,
        min_length=1,
        help="Stages whose features are given: C2 to C5 as 1 to 4, strides 4 to 32.",
    )
    frozen_stages: int = field(-1, ge=-1, le=4, help="Train all: -1. Freeze the stem: 0. Freeze also stages 1 to n: n.")
    norm: Literal["BN", "FrozenBN", "GN", "SyncBN"] = field("BN", help="Normalisation after each convolution.")
    norm_eval: bool = field(
        False,
        depends_on={"norm": ("BN", "SyncBN")},
        help="Keep the running statistics of BN as they are, which suits pretrained weights; the rest of BN learns.",
    )
    norm_eps: float = field(1e-5, ge=0, advanced=True, help="Added to variances; 0 in torchvision's first detectors.")
    zero_init_residual: bool = field(
        False,
        advanced=True,
        depends_on={"norm": ("BN", "GN", "SyncBN"), "weights": ("none",), "weights_file": (None,)},
        help="Start each block as the identity (mmdetection); short trainings from scratch learn faster without.",
    )
    weights: Literal["none", "IMAGENET1K_V1", "IMAGENET1K_V2"] = field(
        "none",
        depends_on={"weights_file": (None,)},
        help="Weights that torchvision publishes for this depth, fetched once and kept in torch's hub folder.",
    )
    weights_file: Path | None = field(
        None,
        depends_on={"weights": ("none",)},
        help="Instead, a file of weights with torchvision's names: .pth or .safetensors.",
    )

    @property
    def out_channels(self) -> tuple[int, ...]:
        """Channels of each level given."""
        expansion = 4 if self.depth >= 50 else 1
        return tuple(self.base_channels * expansion * 2 ** (stage - 1) for stage in self.out_stages)

    @property
    def out_strides(self) -> tuple[int, ...]:
        """Stride of each level given, px."""
        return tuple(2 ** (stage + 1) for stage in self.out_stages)

    def problems(self) -> Iterable[Problem]:
        if list(self.out_stages) != sorted(set(self.out_stages)):
            yield Problem(path="out_stages", message="name each stage once, the first one first, such as [2, 3, 4]")
        if self.weights == "IMAGENET1K_V2" and self.depth < 50:
            yield Problem(path="weights", message=f"depth {self.depth} has no IMAGENET1K_V2; use IMAGENET1K_V1")
        if self.weights != "none" and self.weights_file is not None:
            yield Problem(path="weights_file", message='unset it, or set weights = "none"')
        if self.weights != "none" and self.base_channels != 64:
            yield Problem(path="base_channels", message=f'{self.weights} has 64; leave it, or set weights = "none"')
        if self.weights != "none" and self.norm == "GN":
            yield Problem(path="norm", message=f"{self.weights} was trained with BN; choose BN, FrozenBN or SyncBN")
