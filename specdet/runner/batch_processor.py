"""What the runner does with one batch: losses in training and validation."""

from collections.abc import Mapping
from typing import Protocol, TypedDict

from torch import Tensor, nn

from specdet.structures import Batch

LOSS_PREFIX = "loss/"


class Outputs(TypedDict):
    """What a batch processor gives.

    `loss` is the () tensor to minimise, `log_vars` the () tensors or floats to log, `num_samples` the images they stand
    for.
    """

    loss: Tensor
    log_vars: dict[str, Tensor | float]
    num_samples: int


class BatchProcessor(Protocol):
    """Any callable that makes `Outputs` of a model and a batch."""

    def __call__(self, model: nn.Module, batch: Batch, train_mode: bool) -> Outputs: ...


def parse_losses(losses: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor | float]]:
    """The loss to minimise, and what to log; nothing is read from the device.

    Args:
        losses: () tensors by name. Those whose name starts with "loss/" are summed, the others are only logged.

    Returns:
        The () sum, and all values detached, with the sum as "loss".

    Raises:
        ValueError: Where no name starts with "loss/".
    """
    parts = [value for name, value in losses.items() if name.startswith(LOSS_PREFIX)]
    if not parts:
        raise ValueError(
            f'the model gave no loss: expected names that start with "{LOSS_PREFIX}", got {", ".join(losses) or "none"}'
        )
    loss = sum(parts[1:], start=parts[0])
    return loss, {name: value.detach() for name, value in {**losses, "loss": loss}.items()}


def batch_processor(model: nn.Module, batch: Batch, train_mode: bool) -> Outputs:
    """The default for detectors: `model(batch, returns="loss")`, its losses parsed by `parse_losses`."""
    loss, log_vars = parse_losses(model(batch, returns="loss"))
    return {"loss": loss, "log_vars": log_vars, "num_samples": len(batch)}


def checked_outputs(outputs: object, processor: object) -> Outputs:
    """`outputs` if they are what a batch processor must give.

    Raises:
        TypeError: Saying what is missing and what to return.
    """
    wanted = 'a dict with "loss" (a () tensor), "log_vars" (a dict of what to log) and "num_samples" (an int)'
    name = getattr(processor, "__name__", type(processor).__name__)
    if not isinstance(outputs, dict):
        raise TypeError(f"batch_processor {name} returned {type(outputs).__name__}; it must return {wanted}")
    missing = [f'"{key}"' for key in Outputs.__required_keys__ if key not in outputs]
    if missing:
        raise TypeError(
            f"batch_processor {name} returned a dict without {', '.join(sorted(missing))}; it must return {wanted}"
        )
    return outputs  # type: ignore[return-value]  (a dict that has the keys asked for above)
