"""`specdet cost`: what a training will take, before it is launched."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specdet.exit_codes import WRONG_USAGE, exit_code
from specdet.runs.words import byte_count, duration
from specdet.spec import SpecError

if TYPE_CHECKING:
    from specdet.cost import Cost


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.add_argument("spec", metavar="SPEC", help="a spec file, specdet:NAME, or the folder of a run")
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="change one value; ~KEY removes one")
    parser.add_argument("--processes", type=int, default=1, metavar="N", help="how many train together (1)")
    parser.add_argument("--time", action="store_true",
                        help="also measure some real steps on made-up images, for up to half a minute")  # fmt: skip
    parser.add_argument("--within", dest="folders", action="append", metavar="FOLDER",
                        help="open data in this folder alone; may be repeated")  # fmt: skip
    parser.add_argument("--plugin", dest="plugins", action="append", default=[], metavar="FILE",
                        help="run this plugin file; may be repeated")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of text")


def run(arguments: argparse.Namespace) -> int:
    """Print the cost: 0 where a training could start, else as `specdet check`; what can be told is told anyhow."""
    import sys

    from specdet.cost import cost
    from specdet.experiment import load_with_source
    from specdet.spec.compose import spec_of
    from specdet.spec.report import as_json, report
    from specdet.text_table import print_table

    if arguments.processes < 1:
        print("--processes must be at least 1", file=sys.stderr)
        return WRONG_USAGE
    try:
        loaded = load_with_source(spec_of(arguments.spec), arguments.overrides, plugins=arguments.plugins)
    except SpecError as error:
        if not arguments.json:
            raise
        print(json.dumps({"spec": arguments.spec, "problems": [as_json(each) for each in error.problems]}, indent=1))
        return exit_code(error.problems)
    folders = None if arguments.folders is None else [Path(folder) for folder in arguments.folders]
    found = cost(loaded.experiment, processes=arguments.processes, time=arguments.time, folders=folders)
    problems = loaded.composed.located(found.problems)
    if arguments.json:
        document = {"spec": arguments.spec, "problems": [as_json(each) for each in problems]}
        print(json.dumps({**document, "cost": document_of(found)}, indent=1))
    else:
        print_table(("what", "how much"), list(rows(found)))
        if problems:
            print(report(problems), file=sys.stderr)
    return exit_code(problems)


def document_of(cost: "Cost") -> dict[str, Any]:
    """The cost as JSON, by the names of its attributes; what cannot be told is null, and `unknown` says why."""
    import attrs

    table = attrs.asdict(cost, filter=lambda attribute, _: attribute.name != "problems")
    for part, names in (("model", ("checkpoint",)), ("memory", ("total",)), ("checkpoints", ("total",))):
        value = getattr(cost, part)
        if value is not None:
            table[part] |= {name: getattr(value, name) for name in names}
    return table


def rows(cost: "Cost") -> Iterator[tuple[str, str]]:
    """The cost as a table for people: what, and how much or why not; what has been said once is not said again."""
    said: set[str] = set()
    for fact, what, text in facts(cost):
        why = cost.unknown.get(fact, "")
        yield what, text or (f"unknown: {why}" if why not in said else "unknown, as above")
        said.add(why)


def facts(cost: "Cost") -> Iterator[tuple[str, str, str]]:
    """Each fact: its name in `Cost`, its name for people, and its value, which is empty where it is unknown."""
    yield "model", "parameters", _model(cost)
    yield "train_images", "training images", counted(cost.train_images)
    yield "val_images", "validation images", counted(cost.val_images)
    yield "classes", "classes", "" if cost.classes is None else f"{len(cost.classes)}: {', '.join(cost.classes)}"
    yield "sizes", "image sizes", "" if cost.sizes is None else _sizes(cost.sizes.width, cost.sizes.height)
    yield "epochs", "epochs", counted(cost.epochs)
    together = "" if cost.processes == 1 else f" with {cost.processes} processes"
    yield "steps_per_epoch", f"steps of an epoch{together}", counted(cost.steps_per_epoch)
    yield "steps", "steps in all", counted(cost.steps)
    yield "batch", "largest batch", _batch(cost)
    yield "checkpoints", "checkpoints", _checkpoints(cost)
    yield "memory", "memory of a step", _memory(cost)
    time = cost.step_time
    yield (
        "step_time",
        "time of a step",
        ""
        if time is None
        else (
            f"{time.seconds:.3g} s, the median of {time.steps} on made-up images in one process"
            f"{'' if time.warm else ', not warmed up'}"
        ),
    )
    if time is not None and cost.steps is not None and cost.processes == 1:
        whole = f"{duration(time.seconds * cost.steps)} without loading and evaluation"
        yield "step_time", "time of all steps", whole


def counted(number: int | None) -> str:
    """A count for people, or nothing."""
    return "" if number is None else f"{number:,}"


def _model(cost: "Cost") -> str:
    if cost.model is None:
        return ""
    frozen = cost.model.parameters - cost.model.trainable
    return f"{cost.model.parameters:,}, " + (f"{cost.model.trainable:,} of them trained" if frozen else "all trained")


def _sizes(width: tuple[int, int], height: tuple[int, int]) -> str:
    ranges = (f"{least}" if least == most else f"{least} to {most}" for least, most in (width, height))
    return f"{' x '.join(ranges)} px"


def _batch(cost: "Cost") -> str:
    batch = cost.batch
    return "" if batch is None else f"{batch.images} images of {batch.width} x {batch.height} px on each device"


def _checkpoints(cost: "Cost") -> str:
    kept = cost.checkpoints
    if kept is None:
        return ""
    return f"at most {kept.kept}, each about {byte_count(kept.bytes_each)}: {byte_count(kept.total)} on disk"


def _memory(cost: "Cost") -> str:
    if cost.memory is None:
        return ""
    needed, there = byte_count(cost.memory.total), byte_count(cost.device_memory)
    return f"about {needed} of {there} on each device ({cost.device}, {cost.precision})"
