"""`specdet check`: all that is wrong with specs, at once."""

import argparse
import os
import sys
from pathlib import Path

from specdet.exit_codes import OK, WRONG_MACHINE, WRONG_SPEC, WRONG_USAGE, exit_code
from specdet.spec.problems import printable
from specdet.spec.report import as_json, report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.add_argument("specs", nargs="+", metavar="SPEC", help="spec files, or specdet:NAME for shipped ones")
    parser.add_argument("--set", dest="overrides", action="append", default=[], metavar="KEY=VALUE",
                        help="try an override, or ~KEY to remove one; may be repeated")  # fmt: skip
    parser.add_argument("--partial", action="store_true", help="the files are bases: what they leave out is no problem")
    parser.add_argument("--data", action="store_true", help="open the data too: files, classes, annotations")
    parser.add_argument("--device", action="store_true", help="ask this machine's device too: precision, memory")
    parser.add_argument("--within", dest="folders", action="append", metavar="FOLDER",
                        help="open data in this folder alone; may be repeated")  # fmt: skip
    parser.add_argument("--plugin", dest="plugins", action="append", default=[], metavar="FILE",
                        help="run this plugin file; may be repeated")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of text")


def run(arguments: argparse.Namespace) -> int:
    """Check every spec; the exit code is that of the worst."""
    from specdet.checks.check import check
    from specdet.spec.compose import spec_of

    terminal = sys.stderr.isatty()
    if arguments.partial and (arguments.data or arguments.device):
        print("--partial goes without --data and --device: a part names neither", file=sys.stderr)
        return WRONG_USAGE
    folders = None if arguments.folders is None else [Path(folder) for folder in arguments.folders]
    codes, documents = [], []
    for path in arguments.specs:
        found = check(
            spec_of(path),
            arguments.overrides,
            part=arguments.partial,
            data=arguments.data,
            device=arguments.device,
            plugins=arguments.plugins,
            folders=folders,
        )
        codes.append(exit_code(found))
        if arguments.json:
            documents.append({"spec": path, "problems": [as_json(problem) for problem in found]})
            continue
        if found:
            colors = terminal and not os.environ.get("NO_COLOR")
            print(report(found, excerpts=terminal, colors=colors), file=sys.stderr)
        print(f"{printable(path)}: {f'{len(found)} problem' + 's' * (len(found) > 1) if found else 'fine'}")
    if arguments.json:
        import json

        print(json.dumps({"specs": documents}, indent=1))
    return next((code for code in (WRONG_SPEC, WRONG_MACHINE) if code in codes), OK)
