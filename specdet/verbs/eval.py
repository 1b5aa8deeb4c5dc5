"""`specdet eval`: measure a trained detector on a data set."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specdet.exit_codes import OK, WRONG_MACHINE, WRONG_USAGE, exit_code
from specdet.spec import SpecError
from specdet.spec.problems import printable

if TYPE_CHECKING:
    from specdet.inference.trained import Trained

WIDE = 1000  # characters; of what no terminal bounds
Progress = Callable[[int, int], None]  # done, of how many


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    add_trained_arguments(parser)
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE",
                        help="change one value of its spec, as data.val.split=test; ~KEY removes one")  # fmt: skip
    parser.add_argument("--data", choices=("val", "train"), default="val", help="which data set of its spec (val)")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of a table")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write the JSON document to a new file, too")
    parser.epilog = "With several processes: accelerate launch -m specdet.cli eval ..."


def add_trained_arguments(parser: argparse.ArgumentParser) -> None:
    """What every verb takes that uses a trained detector."""
    parser.add_argument("trained", metavar="CHECKPOINT_OR_RUN",
                        help="a checkpoint, a run (id, 'last', directory), or a file of weights")  # fmt: skip
    parser.add_argument("--weights", choices=("auto", "model", "ema"), default="auto",
                        help="the model's, the average of the EMA hook, or those evaluated (auto)")  # fmt: skip
    parser.add_argument("--best", action="store_true", help="of a run, the best checkpoint instead of the last")
    parser.add_argument("--spec", metavar="SPEC", help="what the model is: for a file of weights, which says nothing")
    parser.add_argument("--plugin", dest="plugins", action="append", default=[], metavar="FILE",
                        help="run this plugin file; may be repeated")  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Print the metrics: 0 they were measured, 1 and 3 as `specdet check`, 2 the output file is there already."""
    if arguments.output is not None and arguments.output.exists():
        return in_the_way(arguments.output)
    with told_once() as told:
        from specdet.inference.evaluating import open_set

        trained = opened(arguments)
        opened_set = open_set(trained, arguments.data)
        details: dict[str, Any] = {}
        with progress("evaluating") as on_batch:
            metrics = opened_set.metrics(on_batch=on_batch, on_details=details.update)
        if opened_set.accelerator.is_main_process:
            document = {
                "checkpoint": str(trained.checkpoint or trained.weights),
                "weights": trained.weights.name,
                "data": f"data.{arguments.data}",
                "images": len(opened_set.dataset),
                "metrics": metrics,
                **({"details": details} if details else {}),
            }
            _tell(document, arguments)
        opened_set.accelerator.wait_for_everyone()
        opened_set.accelerator.end_training()
    return told.code


def opened(arguments: argparse.Namespace) -> "Trained":
    """The detector that the arguments of `add_trained_arguments` mean; says on stderr which one it is."""
    from specdet.inference.trained import open_trained

    trained = open_trained(
        arguments.trained,
        weights=arguments.weights,
        best=arguments.best,
        spec=arguments.spec,
        overrides=arguments.overrides,
        plugins=arguments.plugins,
    )
    if _is_main():
        note = f" ({trained.note})" if trained.note else ""
        print(f"{trained.weights}{note}", file=sys.stderr)
    return trained


class Told:
    """How a verb ends."""

    code: int = OK


@contextmanager
def told_once() -> Iterator[Told]:
    """What goes wrong in several processes alike is told by the main one."""
    told = Told()
    try:
        yield told
    except SpecError as error:
        if _is_main():
            raise
        told.code = exit_code(error.problems)
    except ValueError as error:
        from specdet.data.images import UnreadableImage

        if not isinstance(error, UnreadableImage):
            raise
        print(printable(str(error)), file=sys.stderr)  # whichever process met it: the others have not
        told.code = WRONG_MACHINE


@contextmanager
def progress(what: str) -> Iterator[Progress]:
    """A bar on stderr, where that is a terminal, for a function that is told what is done, of how many."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal or not _is_main()) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _tell(document: dict[str, Any], arguments: argparse.Namespace) -> None:
    text = json.dumps(document, indent=1)
    if arguments.output is not None:
        with arguments.output.open("x", encoding="utf-8") as file:
            file.write(f"{text}\n")
    if arguments.json:
        print(text)
        return
    from rich.console import Console

    from specdet.results import results_table

    if document["metrics"]:
        Console(width=None if sys.stdout.isatty() else WIDE).print(results_table(document["metrics"]))
    else:
        print("nothing could be measured: the data set has no object that counts")


def in_the_way(path: Path) -> int:
    """Say that a file would be overwritten, and give the exit code."""
    print(f"{path} is there already, and stays: name another file, or remove it", file=sys.stderr)
    return WRONG_USAGE


def _is_main() -> bool:
    return os.environ.get("RANK", "0") == "0"
