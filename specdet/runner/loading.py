"""What the loop asks of a data loader: a length, batches, and for an exact resume a position."""

from collections.abc import Iterator
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object, send_to_device


def steps_per_epoch(loader: Any, *, accumulate: int) -> int:
    """Whole optimizer steps in an epoch of `loader`. Raises ValueError where there is not even one."""
    steps = len(loader) // accumulate
    if steps == 0:
        raise ValueError(
            f"an epoch has {len(loader)} batches, fewer than the {accumulate} of one optimizer step: "
            "lower data.images_per_device or train.accumulate, or add images"
        )
    return steps


def seek(loader: Any, *, epoch: int, batch: int) -> None:
    """Make the next iteration start at a batch of an epoch.

    Raises:
        ValueError: For a loader that cannot, where it matters.
    """
    move = getattr(getattr(loader, "batch_sampler", None), "seek", None)
    if move is not None:
        move(epoch=epoch, batch=batch)
    elif batch:
        raise ValueError(
            "this loader cannot be resumed in the midst of an epoch: its batch_sampler has no seek(epoch=, batch=)"
        )


def next_batch(batches: Iterator[Any], *, loader: Any) -> Any:
    """The next batch.

    Raises:
        ValueError: What a data set said of a file, in the words that it said it in, also from a worker process.
        RuntimeError: Where a loader has fewer batches than its len() promises.
    """
    try:
        return next(batches)
    except ValueError as error:
        # From a worker, torch gives the whole traceback as the message; what was said is its last part.
        raise ValueError(str(error).rpartition(f"{type(error).__name__}: ")[2].strip()) from error
    except StopIteration:
        raise RuntimeError(f"the loader ended before the {len(loader)} batches that its len() promises") from None


def in_rounds(loader: Any, *, accelerator: Accelerator) -> Iterator[Any]:
    """The batches of an epoch, and None where this rank has fewer than another, so that all ranks take equal turns."""
    rounds = max(gather_object([len(loader)])) if accelerator.num_processes > 1 else len(loader)
    batches = iter(loader)
    for _ in range(rounds):
        yield next(batches, None)


def to_device(batch: Any, device: torch.device) -> Any:
    """A batch, or tensors in dicts and lists, on `device`; the copy overlaps where the host memory is page-locked."""
    return send_to_device(batch, device, non_blocking=True)
