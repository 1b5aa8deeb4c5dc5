"""`specdet compare`: how runs differ in their specs, and what came of it."""

import argparse
import sys
from typing import Any

from specdet.comparison import Comparison, compare
from specdet.exit_codes import OK, WRONG_USAGE
from specdet.runs.select import find_run
from specdet.runs.words import measured
from specdet.spec.diff import ABSENT
from specdet.spec.paths import dotted
from specdet.spec.values import value_text


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
