"""`specdet diff`: which values of two specs differ, whatever their files look like."""

import argparse
from typing import Any

from specdet.spec.diff import ABSENT, Change
from specdet.spec.paths import dotted
from specdet.spec.values import value_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.add_argument("before", metavar="A", help="a spec file, specdet:NAME, or the folder of a run")
    parser.add_argument("after", metavar="B", help="another one")
    parser.add_argument("--json", action="store_true", help="print a JSON array of the changes")
    parser.add_argument("--exit-code", action="store_true", help="end with 1 where something differs")
    parser.add_argument("--plugin", dest="plugins", action="append", default=[], metavar="FILE",
                        help="run this plugin file; may be repeated")  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Print the changes from A to B. Raises SpecError where one of them is no right spec."""
    from specdet.experiment import load_with_source
    from specdet.spec.compose import spec_of
    from specdet.spec.diff import changes
    from specdet.spec.dump import to_table

    tables, named = [], True
    for path in (arguments.before, arguments.after):
        loaded = load_with_source(spec_of(path), plugins=arguments.plugins)
        tables.append(to_table(loaded.experiment))
        named &= "name" in loaded.composed.tree
    for table in () if named else tables:
        table.pop("name")  # a name that comes from the file's name says nothing of what the spec does
    found = list(changes(*tables))
    if arguments.json:
        import json

        print(json.dumps([_as_json(change) for change in found], indent=1))
    else:
        for change in found:
            print(_line(change))
    return int(bool(found) and arguments.exit_code)


def _line(change: Change) -> str:
    name = dotted(change.path)
    if change.before is ABSENT:
        return f"+ {name} = {_text(change.after)}"
    if change.after is ABSENT:
        return f"- {name} = {_text(change.before)}"
    return f"  {name} = {_text(change.before)} -> {_text(change.after)}"


def _text(value: Any) -> str:
    return value_text(value, one_line=True)


def _as_json(change: Change) -> dict[str, Any]:
    sides = {"before": change.before, "after": change.after}
    return {"path": dotted(change.path), **{side: value for side, value in sides.items() if value is not ABSENT}}
