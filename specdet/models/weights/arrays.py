"""detectron2's pickles: tables of numpy arrays, read without running anything that they may hold."""

import pickle  # only for an unpickler that makes arrays alone  # nosec B403
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

NUMBERS = re.compile(r"[biuf][1248]|\?")  # what arrays may be of: numbers and truth values


class _Kind:
    """Stands for numpy.dtype. numpy's own would also take kinds whose content are addresses in memory."""

    def __init__(self, code: str = "", *_: Any):
        self.code, self.order = code, "="

    def __setstate__(self, state: Sequence[Any]) -> None:
        self.order = state[1]

    def made(self) -> np.dtype:
        """The dtype itself."""
        if not isinstance(self.code, str) or not NUMBERS.fullmatch(self.code) or self.order not in ("<", ">", "=", "|"):
            raise pickle.UnpicklingError(f"it holds an array of {self.code!r}, and may hold numbers alone")
        return np.dtype(self.code).newbyteorder(self.order)


class _Array:
    """Stands for numpy.ndarray, which does what its arguments say without asking whether it can be right."""

    value: np.ndarray | None = None

    def __init__(self, *_: Any): ...

    def __setstate__(self, state: Sequence[Any]) -> None:
        _, shape, kind, is_fortran, content = state
        self.value = _array(content, kind, shape, "F" if is_fortran else "C").value


def _array(content: Any, kind: Any, shape: Any = (), order: Literal["C", "F"] = "C") -> _Array:
    """An array of what is in a file, read as `kind`."""
    content = content.encode("latin1") if isinstance(content, str) else content
    made = _Array()
    values = np.frombuffer(content, dtype=kind.made())
    made.value = values.reshape(shape, order=order).astype(values.dtype.newbyteorder("="))
    return made


def _scalar(kind: Any, content: Any) -> _Array:
    return _array(content, kind)


def _encoded(text: str, _: str) -> bytes:
    return text.encode("latin1")


def _nothing() -> bytes:
    return b""


# All that a pickle of containers, numbers, texts and arrays calls for, by the names of old and new numpy; nothing of
# numpy is called by what a file says.
KNOWN = {
    "numpy.core.multiarray._reconstruct": _Array,
    "numpy._core.multiarray._reconstruct": _Array,
    "numpy.core.multiarray.scalar": _scalar,
    "numpy._core.multiarray.scalar": _scalar,
    "numpy.core.numeric._frombuffer": _array,
    "numpy._core.numeric._frombuffer": _array,
    "numpy.ndarray": _Array,
    "numpy.dtype": _Kind,
    "_codecs.encode": _encoded,
    "__builtin__.bytes": _nothing,
    "builtins.bytes": _nothing,
    "collections.OrderedDict": OrderedDict,
}


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if f"{module}.{name}" not in KNOWN:
            raise pickle.UnpicklingError(f"it calls for {module}.{name}, and may hold arrays alone")
        return KNOWN[f"{module}.{name}"]


def read_arrays(path: Path) -> Any:
    """What a pickle holds, its arrays (alone, or in tables) as tensors.

    Raises:
        pickle.UnpicklingError: For one that holds anything but plain containers and arrays.
    """
    with path.open("rb") as file:
        try:
            return _as_tensors(_ArrayUnpickler(file, encoding="latin1").load())
        except (pickle.UnpicklingError, OSError):
            raise
        except Exception as error:  # a damaged pickle may raise anything
            raise pickle.UnpicklingError(f"it is no pickle of arrays: {type(error).__name__}: {error}") from error


def _as_tensors(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {key: _as_tensors(value) for key, value in content.items()}
    return torch.from_numpy(content.value) if isinstance(content, _Array) and content.value is not None else content
