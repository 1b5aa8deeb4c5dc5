"""Weights from files and from torchvision; nothing is unpickled but tensors and plain containers."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torchvision.models import get_weight

CONTAINERS = ("state_dict", "model")  # the keys under which training tools keep the weights of a checkpoint

UNREADABLE = (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, ValueError, OSError)  # what torch.load raises


def read_weights_file(path: Path) -> dict[str, Tensor]:
    """The tensors of a .pth or .safetensors file, on the CPU.

    Raises:
        ValueError: Where there is no such file, or it holds no weights, or more than weights.
    """
    if not path.is_file():
        raise ValueError(f"{path}: there is no such weights file")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, *UNREADABLE) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise ValueError(
            f"{path}: cannot be read as weights ({reason}); "
            "give a .safetensors file, or a .pth file that holds nothing but tensors"
        ) from error
    for key in CONTAINERS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    return _tensors(content, path)


def _tensors(content: Any, path: Path) -> dict[str, Tensor]:
    if not isinstance(content, Mapping) or not all(isinstance(each, Tensor) for each in content.values()):
        raise ValueError(
            f"{path}: holds no weights; expected tensors by name, alone or under {' or '.join(CONTAINERS)}"
        )
    return dict(content)


def torchvision_weights(name: str) -> dict[str, Tensor]:
    """The weights that torchvision publishes as `name`, such as "ResNet50_Weights.IMAGENET1K_V1".

    They are fetched into torch's hub folder, or taken from there.

    Raises:
        ValueError: Where torchvision has no such name, or it cannot be fetched.
    """
    weights = get_weight(name)
    try:
        return dict(weights.get_state_dict(progress=False, check_hash=True, map_location="cpu", weights_only=True))
    except UNREADABLE as error:
        raise ValueError(
            f"{name}: cannot be fetched from {weights.url} ({error}); put that file into "
            f"{torch.hub.get_dir()}/checkpoints, or name a file of your own as weights_file"
        ) from error
