"""What would make the host wait for a device, counted without one."""

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from specdet.models.detectors.base import Detector
from specdet.structures import Batch

# lift_fresh: a tensor made of Python numbers, which a device gets by a copy that the host waits for.
WAITING = {
    "_local_scalar_dense",
    "nonzero",
    "masked_select",
    "_unique2",
    "unique_dim",
    "lift_fresh",
    "is_nonzero",
    "equal",
    "nms_survivors",  # of which a training step may have one
}
READING = {"tolist", "numpy"}  # methods that are no operators on a CPU


class ReadCounter(TorchFunctionMode):
    """Counts methods that read a tensor on the host."""

    def __init__(self, waits: Counter[str]):
        super().__init__()
        self.waits = waits

    def __torch_function__(self, func, types, args=(), kwargs=None):
        name = getattr(func, "__name__", "")
        if name in READING:
            self.waits[name] += 1
        return func(*args, **kwargs or {})


class WaitCounter(TorchDispatchMode):
    """Counts what a device would make the host wait for, and all operators."""

    def __init__(self):
        super().__init__()
        self.waits: Counter[str] = Counter()
        self.operators = 0
        self.reads = ReadCounter(self.waits)

    def __enter__(self):
        self.reads.__enter__()
        return super().__enter__()

    def __exit__(self, *error):
        super().__exit__(*error)
        self.reads.__exit__(*error)

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.operators += 1
        name = func.overloadpacket.__name__
        masked = name in {"index", "index_put", "index_put_", "_index_put_impl_"} and any(
            index is not None and index.dtype in (torch.bool, torch.uint8) for index in args[1]
        )
        if name in WAITING or masked:
            self.waits[name] += 1
        return func(*args, **kwargs or {})


def waits_of_a_step(model: Detector, batch: Batch) -> tuple[Counter[str], dict[str, Tensor]]:
    """What a training step would wait for (a size's anchors are made before), and its losses."""
    model(batch)
    with WaitCounter() as counter:
        losses = model(batch)
        sum(losses.values()).backward()
        model.normalizers(batch)
    assert counter.operators > 500
    return counter.waits, losses


@contextmanager
def refused_waits() -> Generator[None]:
    """On a GPU: whatever makes the host wait raises."""
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


@contextmanager
def allowed_waits() -> Generator[None]:
    """Inside `refused_waits`: here the host may wait."""
    torch.cuda.set_sync_debug_mode("default")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("error")
