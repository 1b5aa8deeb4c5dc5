"""Weights from files and from torchvision; nothing is unpickled but tensors, arrays and plain containers."""

import pickle  # for its errors alone  # nosec B403
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.serialization import safe_globals
from torchvision.models import get_weight

from specdet.models.weights.arrays import read_arrays
from specdet.models.weights.fetch import fetch
from specdet.registry import suggestion
from specdet.spec import Published

CONTAINERS = ("state_dict", "model")  # the keys under which training tools keep the weights of a checkpoint

UNREADABLE = (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, ValueError, OSError)  # what torch.load raises

# What training tools keep beside the weights (logs, settings, scalars): it is left out, and none of their code runs.
LEFT_OUT = re.compile(
    r"GLOBAL ((?:mmengine|mmcv|mmdet|numpy|detectron2|fvcore|yacs|omegaconf|argparse|pathlib)\.[\w.]+)"
)
MOST_KINDS = 100  # of such things in one file


class _LeftOut(dict):
    """Stands for an object of another tool: takes whatever a pickle does to it, and does nothing."""

    def __init__(self, *_: Any, **__: Any):
        super().__init__()

    def __setstate__(self, _: Any) -> None: ...


def read_weights_file(path: Path | Published) -> dict[str, Tensor]:
    """The tensors of a .pth, .safetensors or (detectron2's) .pkl file, on the CPU; an address is downloaded first.

    Raises:
        ValueError: Where there is no such file, or it holds no weights, or more than weights.
    """
    if isinstance(path, Published):
        if not path.is_address:
            return torchvision_weights(path)
        path = fetch(path).path
    if not path.is_file():
        raise ValueError(f"{path}: there is no such weights file")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        content = read_arrays(path) if path.suffix == ".pkl" else _loaded(path)
    except Exception as error:  # no library says what it raises for a damaged file: torch has AssertionError, too
        reason = next(iter(str(error).splitlines()), type(error).__name__)[:300]
        raise ValueError(
            f"{path}: cannot be read as weights ({reason}); "
            "give a .safetensors file, or a .pth file that holds nothing but tensors"
        ) from error
    for key in CONTAINERS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    return _tensors(content, path)


def _loaded(path: Path) -> Any:
    """What `torch.load` gives with weights_only, less what other tools keep beside the weights."""
    left_out: list[Any] = []
    while True:
        try:
            with safe_globals(left_out):
                return torch.load(path, map_location="cpu", weights_only=True)
        except pickle.UnpicklingError as error:
            kind = LEFT_OUT.search(str(error))
            if kind is None or len(left_out) == MOST_KINDS or (_LeftOut, kind[1]) in left_out:
                raise
            left_out.append((_LeftOut, kind[1]))


def _tensors(content: Any, path: Path) -> dict[str, Tensor]:
    if (
        not isinstance(content, Mapping)
        or isinstance(content, _LeftOut)
        or not all(isinstance(name, str) and isinstance(each, Tensor) for name, each in content.items())
    ):
        raise ValueError(
            f"{path}: holds no weights; expected tensors by name, alone or under {' or '.join(CONTAINERS)}"
        )
    prefix = "module."  # of a model that was wrapped for several devices
    if content and all(name.startswith(prefix) for name in content):
        return {name.removeprefix(prefix): tensor for name, tensor in content.items()}
    return dict(content)


def torchvision_weights(name: str) -> dict[str, Tensor]:
    """The weights that torchvision publishes as `name`, such as "ResNet50_Weights.IMAGENET1K_V1".

    They are fetched into torch's hub folder, or taken from there.

    Raises:
        ValueError: Where torchvision has no such name, or it cannot be fetched.
    """
    weights = _published(name)
    try:
        return dict(weights.get_state_dict(progress=False, check_hash=True, map_location="cpu", weights_only=True))
    except UNREADABLE as error:
        raise ValueError(
            f"{name}: cannot be fetched from {weights.url} ({error}); put that file into "
            f"{torch.hub.get_dir()}/checkpoints, or name a file of your own as weights_file"
        ) from error


def _published(name: str) -> Any:
    try:
        return get_weight(name)
    except (ValueError, KeyError, AttributeError) as error:
        from torchvision.models import get_model_weights, list_models

        known = [str(each) for model in list_models() for each in get_model_weights(model)]
        raise ValueError(f"torchvision publishes no weights called {name}{suggestion(name, known)}") from error
