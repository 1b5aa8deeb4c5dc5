"""Necks in a row."""

from collections.abc import Sequence

from torch import nn

from specdet.spec import Spec


def build_neck(
    spec: Spec | tuple[Spec, ...] | None, *, in_channels: Sequence[int], in_strides: Sequence[int]
) -> tuple[nn.Module, tuple[int, ...], tuple[int, ...]]:
    """The module of one neck, of several in an `nn.Sequential` (each takes what the one before gives), or of none.

    Returns:
        The module, and the channels and strides of the levels that it gives.
    """
    channels, strides = tuple(in_channels), tuple(in_strides)
    if spec is None:
        return nn.Identity(), channels, strides
    modules = []
    for each in spec if isinstance(spec, tuple) else (spec,):
        modules.append(each.build(in_channels=channels, in_strides=strides))
        channels, strides = modules[-1].out_channels, modules[-1].out_strides
    return (nn.Sequential(*modules) if isinstance(spec, tuple) else modules[0]), channels, strides
