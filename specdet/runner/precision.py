"""What a kind of device can do: number formats of the forward pass, and norm layers."""

from typing import Literal

import torch

Precision = Literal["auto", "fp32", "bf16", "fp16"]
SYNC_BN_ON_CPU = "SyncBN is for several GPUs: write BN, FrozenBN or GN on a CPU"


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
