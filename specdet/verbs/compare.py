"""`specdet compare`: how runs differ in their specs, and what came of it."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from specdet.exit_codes import OK, WRONG_USAGE
from specdet.runs.select import find_run
from specdet.runs.status import RunStatus, read_status
from specdet.spec import SpecError
from specdet.spec.diff import ABSENT, changes
from specdet.spec.paths import SpecPath, dotted
from specdet.spec.read import read_file
from specdet.spec.values import value_text
from specdet.verbs.runs import measured

SPEC = "spec.toml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.add_argument("runs", nargs="+", metavar="RUN", help="two or more: an id, a part of one, or a run directory")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of tables")


def run(arguments: argparse.Namespace) -> int:
    """Print what differs from the first run, and the metrics side by side."""
    if len(arguments.runs) < 2:
        print("compare what with what? give two runs or more", file=sys.stderr)
        return WRONG_USAGE
    compared = compare([find_run(text) for text in arguments.runs])
    if arguments.json:
        import orjson

        print(orjson.dumps(_as_json(compared), option=orjson.OPT_INDENT_2, default=str).decode())
    else:
        _print(compared)
    return OK


@attrs.frozen(kw_only=True)
class Comparison:
    """Runs side by side.

    Attributes:
        differences: By key of the spec that is not the same in all, its value in each, ABSENT where it has none.
    """

    runs: tuple[RunStatus, ...]
    differences: dict[SpecPath, tuple[Any, ...]]

    @property
    def metrics(self) -> list[str]:
        """The names of all metrics that any of them has measured."""
        return list(dict.fromkeys(name for run in self.runs for name in (*run.best, *run.last)))


def compare(directories: Sequence[Path]) -> Comparison:
    """Runs beside the first of them. Raises SpecError where a run's spec cannot be read."""
    tables = [_spec(directory) for directory in directories]
    paths = dict.fromkeys(change.path for table in tables[1:] for change in changes(tables[0], table))
    return Comparison(
        runs=tuple(read_status(directory) for directory in directories),
        differences={path: tuple(_at(table, path) for table in tables) for path in paths},
    )


def _spec(directory: Path) -> Mapping[str, Any]:
    """The resolved spec as it was written: it says all, and needs no version of ours to be understood."""
    path = directory / SPEC
    found = read_file(path)
    if found.closed:
        raise SpecError.one(f"{path}: {found.closed}")
    if found.problem is not None:
        raise SpecError([found.problem])
    return found.table


def _at(table: Mapping[str, Any], path: SpecPath) -> Any:
    """The value at a path; for `order`, which no table says, the keys of the table above."""
    above: Any = table
    for key in path[:-1]:
        above = above.get(key, ABSENT) if isinstance(above, Mapping) else ABSENT
    if not isinstance(above, Mapping):
        return ABSENT
    return above.get(path[-1], [*above] if path[-1] == "order" else ABSENT)


def _print(compared: Comparison) -> None:
    from specdet.text_table import print_table

    letters = [_letter(number) for number in range(len(compared.runs))]
    about = [
        (letter, run.id, run.name, run.state, f"{run.iter}/{run.max_iters}" if run.max_iters else str(run.iter))
        for letter, run in zip(letters, compared.runs, strict=True)
    ]
    print_table(("", "run", "name", "state", "iter"), about)
    print()
    if compared.differences:
        rows = [(dotted(path), *map(_text, values)) for path, values in compared.differences.items()]
        print_table(("spec", *letters), rows)
    else:
        print("their specs say the same")
    if compared.metrics:
        print()
        rows = [(name, *(measured(run, name) or "-" for run in compared.runs)) for name in compared.metrics]
        print_table(("metric", *letters), rows)


def _letter(number: int) -> str:
    return chr(ord("A") + number) if number < 26 else f"{number + 1}"


def _text(value: Any) -> str:
    return "-" if value is ABSENT else value_text(value, one_line=True)


def _as_json(compared: Comparison) -> dict[str, Any]:
    return {
        "runs": [{"id": run.id, "name": run.name, "state": run.state, "iter": run.iter} for run in compared.runs],
        "spec": [
            {"path": dotted(path), "values": [None if value is ABSENT else {"value": value} for value in values]}
            for path, values in compared.differences.items()
        ],
        "metrics": {
            name: [
                {"last": run.last.get(name), "best": run.best.get(name), "best_iter": run.best_iter.get(name)}
                for run in compared.runs
            ]
            for name in compared.metrics
        },
    }
