"""Number formats of the forward pass, against what a machine can do."""

from collections.abc import Iterable
from typing import Literal

import torch

from specdet.runner.spec import TrainSpec
from specdet.spec import Problem

Precision = Literal["auto", "fp32", "bf16", "fp16"]


def resolve_precision(precision: Precision, *, device: str) -> Literal["fp32", "bf16", "fp16"]:
    """What `precision` comes to on a kind of device ("cpu", "cuda", "mps").

    Raises:
        ValueError: For fp16 on a CPU, which Accelerate would silently train in fp32; the message says what to write.
    """
    if precision == "auto":
        if device != "cuda":
            return "fp32"
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    if precision == "fp16" and device == "cpu":
        raise ValueError('train.precision is "fp16", which a CPU cannot train in: write "bf16" or "fp32"')
    return precision


def device_problems(train: TrainSpec) -> Iterable[Problem]:
    """What of a TrainSpec this machine's device cannot do."""
    try:
        resolve_precision(train.precision, device="cuda" if torch.cuda.is_available() else "cpu")
    except ValueError as error:
        yield Problem(path="train.precision", message=str(error), kind="environment")
