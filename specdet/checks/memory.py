"""Whether a training fits into a device's memory."""

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

import attrs
import psutil
import torch

from specdet.checks.walk import rewritten
from specdet.data.batch_shape import largest_batch
from specdet.experiment_classes import with_likely_classes
from specdet.runner.memory import Step, TrainingMemory, training_memory
from specdet.runner.precision import resolve_precision
from specdet.spec import Problem, Spec, SpecError

if TYPE_CHECKING:
    from specdet.experiment import Experiment

LOGGER = logging.getLogger("specdet.checks")


class Unknown(Exception):
    """The memory of an experiment cannot be told; the message says why."""


def memory_problems(experiment: "Experiment", *, device: torch.device) -> Iterator[Problem]:
    """A training that needs more memory than the device has; a line in the log where that cannot be told."""
    images, there = experiment.data.images_per_device, device_memory(device)
    try:
        needed = memory_needed(experiment, device=device).total
        least = memory_needed(experiment, device=device, images=1).total if needed > there else needed
    except Unknown as error:
        LOGGER.warning("memory is not checked: %s", error)
        return
    except SpecError as error:
        yield from error.problems
        return
    except ValueError as error:
        yield Problem(path="model", message=f"cannot be built: {error}")
        return
    if needed <= there:
        return
    message = f"training takes about {_gib(needed)}, and the device ({device_name(device)}) has {_gib(there)}: "
    if least > there:
        message += f"not even one image fits ({_gib(least)}); choose smaller images or a smaller model"
    else:
        # All that grows with the images grows in proportion to them.
        fitting = 1 + int((there - least) / (needed - least) * (images - 1))
        message += f"lower it to {fitting}, and raise train.accumulate if a step shall take as many images as before"
    yield Problem(path="data.images_per_device", message=message, kind="environment")


def memory_needed(
    experiment: "Experiment", *, device: torch.device, images: int | None = None, size: tuple[int, int] | None = None
) -> TrainingMemory:
    """What one device holds in training; nothing of it is taken, and no weights are read or fetched.

    Args:
        images: In a batch; as the experiment says unless given.
        size: Height and width of the largest batch, px, where it is known better than from the spec alone.

    Raises:
        Unknown: Where the size of the images is not known before they are opened, or the model cannot be run so.
        SpecError, ValueError: For a model or an optimizer that cannot be built.
    """
    size = size or largest_batch(experiment.data)
    if size is None:
        raise Unknown("only the images tell how large they are; a Resize with short_side and long_side would as well")
    step = Step(
        images=images or experiment.data.images_per_device,
        size=size,
        size_divisor=experiment.data.size_divisor,
        accumulate=experiment.train.accumulate,
        precision=resolve_precision(experiment.train.precision, device=device.type),
        device=device,
    )
    try:
        return training_memory(
            step, model=model_without_weights(experiment), optimizer=experiment.optimizer, hooks=experiment.hooks
        )
    except RuntimeError as error:
        raise Unknown(f"the model cannot be run without content ({next(iter(str(error).splitlines()), '')})") from error


def model_without_weights(experiment: "Experiment") -> Spec:
    """The spec of the same model with random weights, which takes as much memory and reads no file."""
    return without_weights(with_likely_classes(experiment).model)


def without_weights(model: Spec) -> Spec:
    """A model's spec with random weights in the place of those that it starts from: nothing is read or fetched."""
    return rewritten(model, _without_weights)


def device_memory(device: torch.device) -> int:
    """All memory of a device, in bytes."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory
    return psutil.virtual_memory().total


def device_name(device: torch.device) -> str:
    """What people call a device."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def _without_weights(spec: Spec) -> Spec:
    """The spec of the same module with random weights, which take as much memory."""
    random = {"weights": "none", "weights_file": None}
    return attrs.evolve(spec, **random) if all(hasattr(spec, name) for name in random) else spec


def _gib(count: int) -> str:
    return f"{count / 2**30:.1f} GiB"
