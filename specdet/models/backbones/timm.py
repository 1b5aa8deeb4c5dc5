"""Networks of timm as backbones."""

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import torch
from torch import nn

from specdet.models.backbones.borrowed import BorrowedBackbone, load_borrowed
from specdet.models.backbones.spec import TimmSpec
from specdet.models.weights.read import read_weights_file
from specdet.registry import suggestion
from specdet.spec import Problem, SpecError

STRIDES = (4, 8, 16, 32)  # of the levels that are taken unless others are asked for
# Transformers are made for one image size, unless they are told that others will come; others know no such word.
ANY_SIZE = ({"dynamic_img_size": True}, {"strict_img_size": False}, {})


class Timm(BorrowedBackbone):
    """Any network that timm makes with `features_only`.

    Raises:
        SpecError: Where timm is not installed, or has no such network.
        ValueError: For levels that the network does not have, and weights that cannot be had or do not fit.
    """

    def __init__(self, spec: TimmSpec):
        if found := [*self.problems_here(spec)]:
            raise SpecError(found)
        network: Any = _made(spec)
        if spec.weights_file is not None:
            load_borrowed(network, read_weights_file(spec.weights_file), source=str(spec.weights_file))
        super().__init__(spec, network, strides=network.feature_info.reduction())

    @staticmethod
    def problems_here(spec: TimmSpec) -> Iterator[Problem]:
        """What only the machine can tell: whether timm is there, and has the network."""
        if find_spec("timm") is None:
            message = "the Timm backbone needs a package that is not installed: pip install 'specdet[timm]'"
            yield Problem(path="", message=message, kind="environment")
            return
        import timm

        if not timm.is_model(spec.name):
            hint = suggestion(spec.name, timm.list_models())
            yield Problem(path="name", message=f"timm has no network '{spec.name}'{hint}")


def _made(spec: TimmSpec) -> nn.Module:
    levels = _levels_of(spec.name)
    indices = spec.out_indices or _usual(levels)
    if unknown := [index for index in spec.out_indices if index not in levels]:
        told = ", ".join(f"{index} (stride {stride})" for index, stride in levels.items())
        raise ValueError(f"{spec.name}: timm gives no level {unknown[0]} of it; there are {told}")
    try:
        return _created(spec.name, pretrained=spec.weights == "pretrained", out_indices=indices)
    except Exception as error:  # timm and what it downloads with raise their own kinds
        if spec.weights != "pretrained":
            raise
        raise ValueError(
            f"{spec.name}: the weights that timm publishes cannot be had ({type(error).__name__}: "
            f'{_first_line(error)}); fetch them elsewhere and say weights_file, with weights = "none"'
        ) from error


def _created(name: str, *, pretrained: bool, **options: Any) -> Any:
    """`timm.create_model` for images of any size."""
    import timm

    make: Any = timm.create_model
    for more in ANY_SIZE:
        try:
            return make(name, pretrained=pretrained, features_only=True, **options, **more)
        except TypeError:  # said before anything is fetched
            if not more:
                raise
    raise AssertionError("the last try says nothing that a network may not know")


def _levels_of(name: str) -> dict[int, int]:
    """Timm's number of each level that it gives by itself, and the stride of it."""
    with torch.device("meta"):
        info = _created(name, pretrained=False).feature_info
    return dict(zip(info.out_indices, info.reduction(), strict=True))


def _usual(levels: dict[int, int]) -> tuple[int, ...]:
    """Numbers of the levels of strides 4 to 32, or of all where the network has no such pyramid."""
    pyramid = tuple(index for index, stride in levels.items() if stride in STRIDES)
    return pyramid if len(set(levels.values())) > 1 else tuple(levels)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "")
