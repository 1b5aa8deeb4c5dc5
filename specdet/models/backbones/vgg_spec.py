"""Spec of VGG."""

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar, Literal

from specdet.spec import Problem, Published, Spec, field, spec

WIDTHS = (1, 2, 4, 8, 8)  # channels of each stage, in those of the first
FC_WIDTH = 16


@spec
class VGGSpec(Spec):
    """Plain 3x3 convolutions (Simonyan and Zisserman 2014, arXiv:1409.1556), as torchvision's without batch norm."""

    builds: ClassVar[str] = "specdet.models.backbones.vgg:VGG"

    depth: Literal[11, 13, 16, 19] = field(16, help="Number of layers.")
    base_channels: int = field(64, ge=1, advanced=True, help="Channels of the first stage.")
    out_stages: tuple[int, ...] = field(
        (4, 5),
        ge=1,
        le=5,
        min_length=1,
        help="Stages whose features are given, before they are pooled; strides 1 to 16.",
    )
    dilated_fc: bool = field(
        True, help="After stage 5, and as its features, the first two fully connected layers as convolutions (SSD)."
    )
    frozen_stages: int = field(-1, ge=-1, le=5, help="Train all: -1. Freeze stages 1 to n: n.")
    weights: Literal["none", "IMAGENET1K_V1", "IMAGENET1K_FEATURES"] = field(
        "none",
        depends_on={"weights_file": (None,)},
        help="Weights that torchvision publishes for this depth; IMAGENET1K_FEATURES, of depth 16, are Caffe's, for "
        "means of [123, 117, 104] and stds of 1.",
    )
    weights_file: Published | Path | None = field(
        None,
        depends_on={"weights": ("none",)},
        help="Instead, a file of weights with torchvision's names (.pth or .safetensors), or the address of one.",
    )

    @property
    def out_channels(self) -> tuple[int, ...]:
        """Channels of each level given."""
        widths = (*WIDTHS[:-1], FC_WIDTH if self.dilated_fc else WIDTHS[-1])
        return tuple(self.base_channels * widths[stage - 1] for stage in self.out_stages)

    @property
    def out_strides(self) -> tuple[int, ...]:
        """Stride of each level given, px."""
        return tuple(2 ** (stage - 1) for stage in self.out_stages)

    def problems(self) -> Iterable[Problem]:
        if list(self.out_stages) != sorted(set(self.out_stages)):
            yield Problem(path="out_stages", message="name each stage once, the first one first, such as [4, 5]")
        if self.weights == "IMAGENET1K_FEATURES" and self.depth != 16:
            yield Problem(path="weights", message=f"depth {self.depth} has none of these; use IMAGENET1K_V1")
        if self.weights != "none" and self.weights_file is not None:
            yield Problem(path="weights_file", message='unset it, or set weights = "none"')
        if self.weights != "none" and self.base_channels != 64:
            yield Problem(path="base_channels", message=f'{self.weights} has 64; leave it, or set weights = "none"')
