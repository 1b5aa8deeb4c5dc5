"""The weights that a training starts from: found, brought under our names, and fitted to the classes of the data."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from specdet.spec import Published, Spec

if TYPE_CHECKING:
    from torch import Tensor, nn

    from specdet.models.weights.fit import Fitted
    from specdet.runner.spec import TrainSpec


def start_from(model: "nn.Module", settings: "TrainSpec", *, logger: logging.Logger) -> "Fitted":
    """Load `train.load_from` into a model that was just built, and say what became of it.

    Raises:
        ValueError: Where it cannot be had or read, or does not fit.
        FileNotFoundError: Where it is not there.
    """
    from specdet.models.weights.fit import fit_weights

    source = settings.load_from
    assert source is not None, "asked only where there is something to start from"
    spec: Any = getattr(model, "spec", None)
    fitted = fit_weights(
        model,
        read_weights(source),
        source=str(source),
        of_classes=lambda: class_dependent(spec),
        classes=settings.load_classes,
        strict=settings.load_strict,
        num_classes=getattr(spec, "num_classes", None),
    )
    report = fitted.report
    logger.info("loaded weights from %s: %d tensors, with names of %s", source, len(report.mapped), report.source)
    if fitted.anew:
        logger.info("starts anew, as it depends on the classes: %s", ", ".join(fitted.anew))
    left_out = [name for name in report.missing if name not in fitted.anew]
    left_out += [name for name, _ in report.misshapen if name not in fitted.anew]
    if left_out:
        logger.warning("not in the weights, or in another shape, so left as initialised: %s", ", ".join(left_out))
    if report.unknown:
        logger.warning("of no use to this model: %s", ", ".join(report.unknown))
    for note in report.notes:
        logger.info("for these weights: %s", note)
    return fitted


def read_weights(source: Path | Published) -> "dict[str, Tensor]":
    """The tensors of a checkpoint, a run (its last whole checkpoint), a file, an address or a published name.

    Raises:
        ValueError: Where it cannot be had or read.
        FileNotFoundError: Where it is not there.
    """
    from specdet.models.weights.read import read_weights_file
    from specdet.runner.checkpoint import find_checkpoint
    from specdet.runner.resume import WEIGHTS

    if isinstance(source, Published):
        return read_weights_file(source)
    if source.is_dir():
        source = find_checkpoint(source, reject=logging.getLogger("specdet").warning) / WEIGHTS
    if not source.is_file():
        raise FileNotFoundError(f"{source} does not exist: give a checkpoint folder, a .safetensors or a .pth file")
    return read_weights_file(source)


def class_dependent(spec: Any) -> frozenset[str]:
    """The names of the parameters of a detector whose shape depends on the number of classes.

    Two detectors that differ in nothing else are built, without content, and compared: so no part has to say it.
    """
    count = getattr(spec, "num_classes", None)
    if not isinstance(spec, Spec) or count is None:
        return frozenset()
    one, other = (shapes_of(attrs.evolve(spec, num_classes=count + more)) for more in (0, 1))
    return frozenset(name for name, tensor in one.items() if other[name].shape != tensor.shape)


def shapes_of(spec: Spec) -> "dict[str, Tensor]":
    """The state dict of a detector, whose tensors have no content and take no memory."""
    import torch

    from specdet.checks.memory import without_weights

    with torch.device("meta"):
        return without_weights(spec).build().state_dict()
