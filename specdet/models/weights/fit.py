"""Weights into a model whose classes may be others: what fits is taken, and what depends on the classes starts anew."""

from collections.abc import Callable, Collection, Mapping
from typing import Literal

import attrs
import torch
from torch import Tensor, nn

from specdet.models.weights.convert import COUNTER, Report, Source, convert, source_of
from specdet.models.weights.load import shortened


@attrs.frozen(kw_only=True)
class Fitted:
    """What became of a model.

    Attributes:
        report: What became of each tensor of the file.
        anew: The parameters that start anew, since they depend on the classes.
    """

    report: Report
    anew: tuple[str, ...]


def fit_weights(
    model: nn.Module,
    tensors: Mapping[str, Tensor],
    *,
    source: str,
    of_classes: Callable[[], Collection[str]],
    classes: Literal["fit", "reset", "keep"] = "fit",
    strict: bool = True,
    num_classes: int | None = None,
    tool: Source | None = None,
) -> Fitted:
    """Copy tensors, under the names of whichever tool, into a model.

    Args:
        model: Just built: what starts anew is left as it is.
        tensors: Of a file.
        source: What messages call the file.
        of_classes: Names of the parameters whose shape depends on the number of classes; asked where it matters.
        classes: "fit" lets those start anew where the file was trained for another number of classes, "reset" always,
            "keep" never.
        strict: Whether the rest must be complete and all of the file be of use.
        num_classes: Of the model.
        tool: Whose names the file has; told by the names unless given.

    Raises:
        ValueError: Naming all that does not fit. Then nothing is copied.
    """
    own = model.state_dict()
    made, report = convert(tensors, own=own, source=tool or source_of(tensors, own=own), num_classes=num_classes)
    misshapen = dict(report.misshapen)
    dependent = of_classes() if classes == "reset" or (classes == "fit" and misshapen) else ()
    anew = tuple(name for name in own if name in dependent)
    if classes == "fit" and not misshapen.keys() & set(anew):
        anew = ()
    misfits = {
        "missing": [name for name in report.missing if name not in anew],
        "not in the model": list(report.unknown),
        "other shape": [f"{name} ({text})" for name, text in misshapen.items() if name not in anew],
    }
    if strict and any(misfits.values()):
        lines = "; ".join(f"{kind}: {shortened(names)}" for kind, names in misfits.items() if names)
        raise ValueError(
            f"{source}: the weights do not fit {type(model).__name__}. {lines}. "
            "What fits alone is taken with train.load_strict = false"
        )
    taken = {name: tensor for name, tensor in made.items() if name not in anew and name not in misshapen}
    if not taken:
        raise ValueError(f"{source}: nothing of it fits {type(model).__name__}")
    model.load_state_dict({**own, **taken})
    return Fitted(report=report, anew=anew)


def with_counters(tensors: Mapping[str, Tensor], *, own: Collection[str]) -> dict[str, Tensor]:
    """The tensors that a model has, with those that count batches, which files of frozen norms lack."""
    counters = {name: torch.zeros((), dtype=torch.int64) for name in own if name.endswith(COUNTER)}
    return {name: tensor for name, tensor in {**counters, **tensors}.items() if name in own}
