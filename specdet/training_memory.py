"""Out of memory: what was being worked on, and what to try."""

from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any

import tomli

from specdet.structures import Batch

if TYPE_CHECKING:
    from specdet.runner.runner import Runner

IDS_SHOWN = 8
# The parts of a training step: a function that only runs in each, by its name and by how its module's name starts.
PARTS = (
    ("the optimizer's step", "step", "torch.optim."),
    ("the backward pass", "backward", "torch."),
    ("the forward pass", "forward", ""),
)


def out_of_memory(error: BaseException, *, where: str, runner: "Runner | None") -> str:
    """A message for people.

    Args:
        error: What the allocator raised.
        where: The phase and iter, in words.
        runner: Where there was one already; its spec says what the numbers to change are now.
    """
    batch, part = batch_of(error), part_of_step(error)
    if part:
        where += f", in {part}"
    on = "" if batch is None else f", with {described(batch)}"
    spec = tomli.loads(runner.spec_text) if runner is not None and runner.spec_text else {}
    evaluating = runner is not None and runner.failed_in == "eval"
    advice = "; ".join(_advice(spec, evaluating=evaluating))
    return f"out of memory {where}{on}. Things to try: {advice}. {next(iter(str(error).splitlines()), '')}".rstrip()


def batch_of(error: BaseException) -> Batch | None:
    """The batch that the innermost function which had one was working on when `error` was raised."""
    found = None
    for values in _locals(error.__traceback__):
        batches = [value for value in values if isinstance(value, Batch)]
        batches += [value[0] for value in values if isinstance(value, list) and value and isinstance(value[0], Batch)]
        found = batches[-1] if batches else found
    return found


def part_of_step(error: BaseException) -> str:
    """Which part of a step raised `error`, in words; empty where it was none of them.

    The outermost function counts: a backward pass may run parts of the forward pass once more.
    """
    trace = error.__traceback__
    while trace is not None:
        module, function = trace.tb_frame.f_globals.get("__name__", ""), trace.tb_frame.f_code.co_name
        for part, name, start in PARTS:
            if function == name and module.startswith(start):
                return part
        trace = trace.tb_next
    return ""


def described(batch: Batch) -> str:
    """Its shape in words; what is read of it lies in host memory, or is a few numbers."""
    count, _, height, width = batch.images.shape
    slots = "" if batch.targets is None else f", at most {batch.targets.labels.shape[1]} boxes in one"
    ids = batch.image_ids.tolist()
    more = ", ..." if len(ids) > IDS_SHOWN else ""
    return (
        f"{count} images of 3 x {height} x {width} px{slots} (image ids {', '.join(map(str, ids[:IDS_SHOWN]))}{more})"
    )


def _advice(spec: dict[str, Any], *, evaluating: bool) -> Iterator[str]:
    data, train = spec.get("data", {}), spec.get("train", {})
    images = data.get("images_per_device")
    if evaluating:
        images = data.get("val_images_per_device", images)
        yield "fewer images at a time" + _now("data.val_images_per_device", images, probe="specdet probe-batch --eval")
    else:
        yield "fewer images at a time" + _now("data.images_per_device", images, probe="specdet probe-batch")
        accumulate = train.get("accumulate", 1)
        if isinstance(images, int) and images % 2 == 0:
            yield f"with train.accumulate = {2 * accumulate} a step of {images // 2} images still takes as many as now"
    if train.get("precision") in ("fp32", "auto"):
        yield 'train.precision = "bf16", where the device has it'
    yield f"smaller images (data.{'val' if evaluating else 'train'}_transforms)"


def _now(key: str, value: Any, *, probe: str) -> str:
    return f" ({key}{'' if value is None else f' is {value}'}; `{probe}` finds how many fit)"


def _locals(trace: TracebackType | None) -> Iterator[list[Any]]:
    """The values that each function had, the outermost one first."""
    while trace is not None:
        yield [*trace.tb_frame.f_locals.values()]
        trace = trace.tb_next
