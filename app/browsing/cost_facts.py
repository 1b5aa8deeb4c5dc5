"""What a training costs, in the few words that fit on a page."""

from collections.abc import Mapping
from typing import Any

import attrs

from specdet.runs.words import byte_count

UNKNOWN = "—"


@attrs.frozen(kw_only=True)
class Fact:
    """One number.

    Attributes:
        label: What it is of.
        value: For people; UNKNOWN where it cannot be told.
        more: A smaller line below, or an empty string.
        why: Why it cannot be told, or an empty string.
    """

    label: str
    value: str
    more: str = ""
    why: str = ""


def facts_of(cost: Mapping[str, Any]) -> list[Fact]:
    """The facts of what `specdet cost --json` tells, in the order in which they are shown."""
    unknown = cost.get("unknown") or {}

    def fact(name: str, label: str, value: str, more: str = "") -> Fact:
        return Fact(label=label, value=value or UNKNOWN, more=more if value else "",
                    why="" if value else str(unknown.get(name, "")))  # fmt: skip

    model, batch, kept, memory = (cost.get(name) for name in ("model", "batch", "checkpoints", "memory"))
    steps, each, epochs, val = (cost.get(name) for name in ("steps", "steps_per_epoch", "epochs", "val_images"))
    shape = "" if batch is None else f"of {batch['width']} x {batch['height']} px, a device"
    of = f"of {byte_count(cost.get('device_memory') or 0)}, {cost.get('device')}, {cost.get('precision')}"
    length = [*([f"{_count(each)} an epoch"] if each else []), *([_counted(epochs, "epoch")] if epochs else [])]
    return [
        fact("train_images", "Training images", _count(cost.get("train_images")),
             "none to evaluate on" if val is None else f"{_count(val)} to evaluate on"),
        fact("steps", "Steps", _count(steps), ", ".join(length)),
        fact("model", "Parameters", *("", "") if model is None else (short(model["parameters"]), _trained(model))),
        fact("batch", "Largest batch", "" if batch is None else _counted(batch["images"], "image"), shape),
        fact("memory", "Memory of a step", "" if memory is None else byte_count(memory["total"]), of),
        fact("checkpoints", "Checkpoints", "" if kept is None else byte_count(kept["total"]),
             "" if kept is None else f"at most {kept['kept']} of {byte_count(kept['bytes_each'])}"),
    ]  # fmt: skip


def reasons(facts: list[Fact], *, besides: tuple[str, ...] = ()) -> list[str]:
    """Why facts are unknown, each reason once, but for those that problems tell already."""
    found = dict.fromkeys(fact.why for fact in facts if fact.why)
    return [why for why in found if not any(why in problem or problem in why for problem in besides)]


def short(count: int) -> str:
    """A large count for people: 27.4 M."""
    for size, unit in ((10**9, " G"), (10**6, " M"), (10**3, " k")):
        if count >= size:
            return f"{count / size:.3g}{unit}"
    return str(count)


def _trained(model: Mapping[str, Any]) -> str:
    return (
        "all trained" if model["trainable"] == model["parameters"] else f"{short(model['trainable'])} of them trained"
    )


def _count(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def _counted(number: int | None, what: str) -> str:
    return f"{_count(number)} {what}{'' if number == 1 else 's'}"
