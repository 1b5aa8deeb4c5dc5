"""Weights of other tools as files of ours, and ours as files of torchvision."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import attrs

from specdet.experiment import Experiment
from specdet.experiment_classes import with_likely_classes
from specdet.spec import Published
from specdet.starting_weights import read_weights, shapes_of

if TYPE_CHECKING:
    from torch import Tensor

    from specdet.models.weights.convert import Report

Tool = Literal["auto", "specdet", "torchvision", "mmdetection", "detectron2"]


@attrs.frozen(kw_only=True)
class Imported:
    """What comes of a file.

    Attributes:
        tensors: By our names.
        report: What became of each.
        num_classes: How many classes they tell apart; None where no tensor tells.
    """

    tensors: "dict[str, Tensor]"
    report: "Report"
    num_classes: int | None


def import_weights(source: Path | Published, experiment: Experiment, *, tool: Tool = "auto") -> Imported:
    """The weights of a file under our names, with as many classes as the file has, whatever the experiment says.

    Raises:
        ValueError: Where the file cannot be had or read.
        FileNotFoundError: Where it is not there.
    """
    from specdet.models.weights.convert import classes_told, convert, source_of
    from specdet.models.weights.fit import with_counters

    given = read_weights(source)
    said = getattr(experiment.model, "num_classes", None)
    model: Any = with_likely_classes(experiment).model
    own = shapes_of(model)
    names_of = source_of(given, own=own) if tool == "auto" else tool
    tensors, report = convert(given, own=own, source=names_of, num_classes=said)
    count = classes_told(tensors)
    if count is not None and count != getattr(model, "num_classes", count):
        own = shapes_of(attrs.evolve(model, num_classes=count))
        tensors, report = convert(given, own=own, source=names_of, num_classes=said)
    return Imported(tensors=with_counters(tensors, own=own), report=report, num_classes=count)


def export_weights(source: Path | Published, experiment: Experiment) -> Imported:
    """Our weights under torchvision's names, where background is class 0 and ours are numbered from 1.

    Raises:
        ValueError: Where the file cannot be had or read, or is not one of the experiment's model.
        FileNotFoundError: Where it is not there.
    """
    from specdet.models.weights.convert import to_torchvision

    ours = import_weights(source, experiment, tool="specdet")
    if not ours.report.is_complete:
        raise ValueError(f"{source}: does not hold the weights of this model: {'; '.join(misfits(ours.report))}")
    tensors, report = to_torchvision(ours.tensors)
    return Imported(tensors=tensors, report=report, num_classes=ours.num_classes)


def misfits(report: "Report") -> list[str]:
    """What keeps an import from being whole, a line for each kind."""
    from specdet.models.weights.load import shortened

    kinds = {
        "missing": report.missing,
        "not in the model": report.unknown,
        "other shape": [f"{name} ({text})" for name, text in report.misshapen],
    }
    return [f"{kind}: {shortened(list(names))}" for kind, names in kinds.items() if names]


def write_weights(path: Path, tensors: "dict[str, Tensor]") -> None:
    """Write a .pth file, or safetensors under any other suffix; the file is whole or absent. Raises OSError."""
    import io

    import torch
    from safetensors.torch import save

    from specdet.runs.files import write_bytes

    whole = {name: tensor.contiguous() for name, tensor in tensors.items()}
    if path.suffix != ".pth":
        write_bytes(path, save({name: tensor.clone() for name, tensor in whole.items()}))
        return
    buffer = io.BytesIO()
    torch.save(whole, buffer)
    write_bytes(path, buffer.getvalue())
