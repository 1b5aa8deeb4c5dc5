"""Specs of backbones. Each tells, before anything is built, the channels and strides of the levels it gives."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, Literal

from specdet.spec import Problem, Published, Spec, field, spec

# (depth, groups, width of a group) -> torchvision's name of the weights.
PUBLISHED = {
    **{(depth, 1, 64): f"ResNet{depth}" for depth in (18, 34, 50, 101, 152)},
    (50, 32, 4): "ResNeXt50_32X4D",
    (101, 32, 8): "ResNeXt101_32X8D",
    (101, 64, 4): "ResNeXt101_64X4D",
    (50, 1, 128): "Wide_ResNet50_2",
    (101, 1, 128): "Wide_ResNet101_2",
}


def weights_file_field(whose: str) -> Any:
    """A file to start from instead of published weights."""
    return field(
        None,
        depends_on={"weights": ("none",)},
        help=f"Instead, a file of weights with {whose} names (.pth or .safetensors), or the address of one.",
    )


def frozen_levels_field() -> Any:
    """How much of a network that comes from elsewhere is left as it is."""
    return field(0, ge=0, help="Freeze all layers that the first n levels are made of; 0 trains all.")


def norm_eval_field() -> Any:
    """Whether the network's batch norms keep their statistics."""
    return field(False, help="Keep the running statistics of batch norms as they are, which suits pretrained weights.")


def problems_of_borrowed(spec: Any, levels: tuple[Any, ...]) -> Iterable[Problem]:
    """What is wrong between the fields of a backbone that comes from elsewhere.

    Args:
        levels: Those that it is asked for; none where it chooses itself.
    """
    if spec.weights != "none" and spec.weights_file is not None:
        yield Problem(path="weights_file", message='unset it, or set weights = "none"')
    if levels and spec.frozen_levels > len(levels):
        yield Problem(path="frozen_levels", message=f"there are {len(levels)} levels")


@spec
class ResNetSpec(Spec):
    """Residual network (He et al. 2015, arXiv:1512.03385).

    As in torchvision, the 3x3 convolution of a bottleneck of n channels has `n * width_per_group / 64 * groups` of
    them, so that it is also a Wide ResNet (Zagoruyko and Komodakis 2016, arXiv:1605.07146) with
    `width_per_group = 128`.
    """

    builds: ClassVar[str] = "specdet.models.backbones.resnet:ResNet"

    depth: Literal[18, 34, 50, 101, 152] = field(50, help="Number of layers.")
    base_channels: int = field(
        64, ge=8, advanced=True, help="Channels of the stem; each stage after the first doubles them."
    )
    style: Literal["pytorch", "caffe"] = field(
        "pytorch",
        depends_on={"depth": (50, 101, 152)},
        help="Which convolution of a block has the stride: the 3x3 (torchvision) or the first 1x1 (Caffe, detectron2).",
    )
    groups: int = field(
        1, ge=1, depends_on={"depth": (50, 101, 152)}, help="Groups of the 3x3 convolutions; ResNeXt has 32."
    )
    width_per_group: int = field(
        64,
        ge=1,
        depends_on={"depth": (50, 101, 152)},
        help="Channels of each group in the first stage, for base_channels = 64; ResNeXt-50 32x4d has 4.",
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
    weights_file: Published | Path | None = weights_file_field("torchvision's")

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
        if self.depth < 50:
            yield from self._problems_of_basic_blocks()
        elif self.base_channels * self.width_per_group < 64:
            yield Problem(path="width_per_group", message="leaves no channels: raise it, or base_channels")
        elif self.weights != "none":
            yield from self._problems_of_published()
        if self.weights != "none" and self.weights_file is not None:
            yield Problem(path="weights_file", message='unset it, or set weights = "none"')
        if self.weights != "none" and self.base_channels != 64:
            yield Problem(path="base_channels", message=f'{self.weights} has 64; leave it, or set weights = "none"')
        if self.weights != "none" and self.norm == "GN":
            yield Problem(path="norm", message=f"{self.weights} was trained with BN; choose BN, FrozenBN or SyncBN")

    @property
    def published_name(self) -> str:
        """What torchvision calls this network where it publishes weights for it, else an empty text."""
        return PUBLISHED.get((self.depth, self.groups, self.width_per_group), "")

    def _problems_of_basic_blocks(self) -> Iterable[Problem]:
        if self.weights == "IMAGENET1K_V2":
            yield Problem(path="weights", message=f"depth {self.depth} has no IMAGENET1K_V2; use IMAGENET1K_V1")
        for name, plain in (("style", "pytorch"), ("groups", 1), ("width_per_group", 64)):
            if getattr(self, name) != plain:
                message = f"the blocks of depth {self.depth} have no 1x1 convolutions: leave it, or take depth 50"
                yield Problem(path=name, message=message)

    def _problems_of_published(self) -> Iterable[Problem]:
        if not self.published_name:
            message = f"torchvision publishes none for {self.groups} groups of {self.width_per_group}; use weights_file"
            yield Problem(path="weights", message=message)
        elif self.published_name == "ResNeXt101_64X4D" and self.weights == "IMAGENET1K_V2":
            yield Problem(path="weights", message="this network has no IMAGENET1K_V2; use IMAGENET1K_V1")
        if self.style == "caffe":
            message = f"{self.weights} was trained with pytorch; take that, or give Caffe's weights as weights_file"
            yield Problem(path="style", message=message)


@spec
class ResNeXtSpec(ResNetSpec):
    """ResNet with grouped convolutions (Xie et al. 2016, arXiv:1611.05431)."""

    groups: int = field(32, ge=1, help="Groups of the 3x3 convolutions.")
    width_per_group: int = field(4, ge=1, help="Channels of each group in the first stage, for base_channels = 64.")

    def problems(self) -> Iterable[Problem]:
        if self.depth < 50:
            yield Problem(path="depth", message="ResNeXt has bottleneck blocks: 50, 101 or 152")
        else:
            yield from super().problems()


@spec
class TorchvisionSpec(Spec):
    """Any classification network of torchvision, by name; its levels are those of one module each."""

    builds: ClassVar[str] = "specdet.models.backbones.torchvision:Torchvision"

    name: str = field(help='As in torchvision.models, such as "mobilenet_v3_large" or "convnext_tiny".')
    levels: tuple[str, ...] = field(
        (), help="Names of the modules whose outputs are the levels; unless given, the last one at each stride 4 to 32."
    )
    frozen_levels: int = frozen_levels_field()
    norm_eval: bool = norm_eval_field()
    weights: str = field(
        "none",
        depends_on={"weights_file": (None,)},
        help='Weights that torchvision publishes for this network: "DEFAULT", or a name such as "IMAGENET1K_V1".',
    )
    weights_file: Published | Path | None = weights_file_field("torchvision's")

    def problems(self) -> Iterable[Problem]:
        yield from problems_of_borrowed(self, self.levels)


@spec
class TimmSpec(Spec):
    """Any network of timm (an extra: pip install 'specdet[timm]') that gives features, by name."""

    builds: ClassVar[str] = "specdet.models.backbones.timm:Timm"

    name: str = field(help='As timm.list_models() has it, such as "convnext_tiny" or "resnet50.a1_in1k".')
    out_indices: tuple[int, ...] = field(
        (), help="Which of timm's levels are given; unless said, those of strides 4 to 32."
    )
    frozen_levels: int = frozen_levels_field()
    norm_eval: bool = norm_eval_field()
    weights: Literal["none", "pretrained"] = field(
        "none",
        depends_on={"weights_file": (None,)},
        help="Weights that timm publishes under this name, fetched once and kept in its own cache; "
        "model.preprocess must say the mean and std that they were trained with.",
    )
    weights_file: Published | Path | None = weights_file_field("timm's")

    def problems(self) -> Iterable[Problem]:
        yield from problems_of_borrowed(self, self.out_indices)
        if list(self.out_indices) != sorted(set(self.out_indices)):
            yield Problem(path="out_indices", message="name each level once, the first one first, such as [1, 2, 3]")
