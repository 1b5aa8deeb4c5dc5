"""What `specdet check --device` finds: what of an experiment this machine cannot do."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch

from specdet.checks.memory import memory_problems
from specdet.checks.walk import specs_within
from specdet.registry import import_object
from specdet.runner.memory import one_step
from specdet.runner.precision import SYNC_BN_ON_CPU, resolve_precision
from specdet.spec import Problem
from specdet.spec.paths import dotted

if TYPE_CHECKING:
    from specdet.experiment import Experiment


def device_problems(experiment: "Experiment", *, memory: bool = True) -> list[Problem]:
    """What this machine's device lacks for an experiment.

    Args:
        memory: Estimate the memory of a training step as well, where all else is right; it takes a second or two.
    """
    device = own_device()
    found = [
        *_precision(experiment, device),
        *_norms(experiment, device),
        *_optimizer(experiment, device),
        *_parts_from_elsewhere(experiment),
    ]
    return found or ([*memory_problems(experiment, device=device)] if memory else [])


def own_device() -> torch.device:
    """The device that this process trains on."""
    # Of several processes each asks about its own GPU, and takes no memory of another's.
    rank = int(os.environ.get("LOCAL_RANK", "0"))
    return torch.device("cuda", rank) if torch.cuda.is_available() else torch.device("cpu")


def _precision(experiment: "Experiment", device: torch.device) -> Iterator[Problem]:
    try:
        resolve_precision(experiment.train.precision, device=device.type)
    except ValueError as error:
        yield Problem(path="train.precision", message=str(error), kind="environment")


def _norms(experiment: "Experiment", device: torch.device) -> Iterator[Problem]:
    if device.type != "cpu":
        return
    for path, spec in specs_within(experiment.model, path=("model",)):
        if getattr(spec, "norm", "") == "SyncBN":
            yield Problem(path=dotted((*path, "norm")), message=SYNC_BN_ON_CPU, kind="environment")


def _parts_from_elsewhere(experiment: "Experiment") -> Iterator[Problem]:
    """What parts of the model that another package brings say of this machine."""
    for path, spec in specs_within(experiment.model, path=("model",)):
        tell = (
            getattr(import_object(spec.builds), "problems_here", None) if spec.builds.startswith("specdet.") else None
        )
        yield from (problem.under(dotted(path)) for problem in (tell(spec) if tell is not None else ()))


def _optimizer(experiment: "Experiment", device: torch.device) -> Iterator[Problem]:
    """Whether torch has the implementation for the device: it knows no better way of telling than to try."""
    optimizer: Any = experiment.optimizer
    if getattr(optimizer, "implementation", "") != "fused":
        return
    try:
        one_step(optimizer, device=device)
    except RuntimeError as error:
        message = f'torch cannot run it fused on this device ({error}): write "auto"'
        yield Problem(path="optimizer.implementation", message=message, kind="environment")
