"""Backbones that come from elsewhere: what is known of their levels is found by trying."""

from collections.abc import Mapping, Sequence
from math import log2
from typing import Any

import torch
from torch import Tensor, nn

from specdet.models.norm import set_statistics_fixed
from specdet.models.weights.load import load_weights

PROBE = (256, 320)  # height and width of the image that is tried, px: multiples of all strides
MOST_SLANT = 0.1  # how far the strides of both axes may differ, since convolutions without padding lose some pixels


class BorrowedBackbone(nn.Module):
    """A network that gives several maps of an image.

    Args:
        spec: With `frozen_levels` and `norm_eval`.
        network: (N, 3, H, W) to one map a level, (N, C, H, W) or, as some transformers have it, (N, H, W, C).
        strides: Of the levels, where they are known; else they are powers of two.

    Attributes:
        out_channels, out_strides: Of each level.

    Raises:
        ValueError: For a network whose outputs are no maps, or with fewer levels than are to be frozen.
    """

    def __init__(self, spec: Any, network: nn.Module, *, strides: Sequence[int] = ()):
        super().__init__()
        self.spec = spec
        self.network = network
        self._channels_last: tuple[bool, ...] = ()
        levels = self._tried()
        self.out_channels = tuple(level.shape[1] for level in levels)
        self.out_strides = tuple(strides) or tuple(stride_of(level.shape) or 1 for level in levels)
        self._frozen = self._freeze(levels)
        self.train()

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """(N, 3, H, W) normalised images to (N, C, H / stride, W / stride) for each level."""
        levels = zip(self.network(images), self._channels_last, strict=True)
        return tuple(level.permute(0, 3, 1, 2) if channels_last else level for level, channels_last in levels)

    def train(self, mode: bool = True) -> "BorrowedBackbone":
        """Training mode, in which the statistics of frozen layers (with `norm_eval`: all) stay as they are."""
        super().train(mode)
        for module in [self] if self.spec.norm_eval else self._frozen:
            set_statistics_fixed(module)
        return self

    def _tried(self) -> tuple[Tensor, ...]:
        self.network.eval()
        image = torch.zeros(1, 3, *PROBE)
        try:
            shapes = [tuple(level.shape) for level in self.network(image)]
        except (AssertionError, RuntimeError) as error:
            message = f"{self.spec.name} does not take images of {PROBE} px, so it is made for one size alone"
            raise ValueError(f"{message} and cannot be a backbone: {error}") from error
        if any(stride_of(shape) is None for shape in shapes):
            raise ValueError(f"{self.spec.name}: its levels must be maps of an image of {PROBE} px, got {shapes}")
        self._channels_last = tuple(_has_channels_last(shape) for shape in shapes)
        return self(image)

    def _freeze(self, levels: Sequence[Tensor]) -> list[nn.Module]:
        """Freeze what the first levels are made of; gives the layers."""
        count = self.spec.frozen_levels
        if count > len(levels):
            raise ValueError(f"{self.spec.name}: {count} levels cannot be frozen, there are {len(levels)}")
        if count == 0:
            return []
        # What a level depends on has a gradient of it, however the network is put together.
        parameters = [each for each in self.network.parameters() if each.requires_grad]
        total = torch.stack([level.sum() for level in levels[:count]]).sum()
        gradients = torch.autograd.grad(total, parameters, allow_unused=True)
        frozen = {id(each) for each, gradient in zip(parameters, gradients, strict=True) if gradient is not None}
        for each in parameters:
            each.requires_grad_(id(each) not in frozen)
        return [
            module
            for module in self.network.modules()
            if any(id(each) in frozen for each in module.parameters(recurse=False))
        ]


def stride_of(shape: Sequence[int]) -> int | None:
    """The power of two by which a level, channels first or last, is smaller than the image tried; None for no map."""
    if len(shape) != 4 or min(_slant(shape), _slant(_channels_first(shape))) > MOST_SLANT:
        return None
    height = shape[1] if _has_channels_last(shape) else shape[2]
    return 2 ** round(log2(PROBE[0] / height))


def _has_channels_last(shape: Sequence[int]) -> bool:
    return _slant(_channels_first(shape)) < _slant(shape)


def _channels_first(shape: Sequence[int]) -> Sequence[int]:
    return (shape[0], shape[3], *shape[1:3])


def _slant(shape: Sequence[int]) -> float:
    """How far an (N, C, H, W) is from the proportions of the image that is tried."""
    return abs(PROBE[0] / shape[2] / (PROBE[1] / shape[3]) - 1)


def load_borrowed(network: nn.Module, weights: Mapping[str, Tensor], *, source: str) -> None:
    """Copy the weights of a whole network into the part of it that gives features.

    What the part has no use for is left out. Wrappers spell names with `_` for `.`, or put a word before them.

    Raises:
        ValueError: Naming what is missing and what has another shape.
    """
    given = {_folded(name): tensor for name, tensor in weights.items()}
    found = {name: given[_folded(name)] for name in network.state_dict() if _folded(name) in given}
    load_weights(network, found, source=source)


def _folded(name: str) -> str:
    for prefix in ("module.", "backbone.", "network.", "model."):
        name = name.removeprefix(prefix)
    return name.replace(".", "_")
