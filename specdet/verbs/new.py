"""`specdet new`: a spec to start from, with comments that say what to change."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from specdet.exit_codes import OK, WRONG_USAGE, exit_code
from specdet.spec.argument import split_argument, toml_or_text
from specdet.spec.editing.templates import description, templates
from specdet.spec.paths import SpecPath, dotted

if TYPE_CHECKING:
    from specdet.spec.editing.edit import SpecFile

DEFAULT = "shapes"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="what to write; ends in .toml")
    parser.add_argument("--template", default=DEFAULT, metavar="NAME", help="what to start from (default: %(default)s)")
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="KEY=VALUE",
                        help="write this value (a path as it is given: relative to FILE); may be repeated")  # fmt: skip
    parser.add_argument("--list", action="store_true", dest="lists", help="print the templates")


def run(arguments: argparse.Namespace) -> int:
    """Write the file, if nothing is wrong with it, and say what to do next."""
    from specdet.checks.check import check
    from specdet.spec.editing.edit import SpecFile
    from specdet.spec.report import report

    known = templates()
    if arguments.lists:
        width = max(map(len, known))
        for name, text in known.items():
            print(f"{name:{width}}  {description(text)}")
        return OK
    try:
        file = _file(arguments.file)
        settings = [_setting(text) for text in arguments.settings]
        text = _text(arguments.template, known)
    except ValueError as error:
        print(error, file=sys.stderr)
        return WRONG_USAGE
    file = filled(SpecFile.new(file, text), settings)
    problems = check(file.path, text=file.text)
    if problems:
        print(report(problems), file=sys.stderr)
        print(f"{file.path}: not written: with these values it would not be right", file=sys.stderr)
        return exit_code(problems)
    file.save()
    name = shlex.quote(str(file.path))
    print(f"{file.path}: written. Read it and change what you like, then:")
    print(f"  specdet check {name}\n  accelerate launch -m specdet.train {name}")
    return OK


def filled(file: "SpecFile", settings: Sequence[tuple[SpecPath, str]]) -> "SpecFile":
    """The file with values that were typed: TOML, or a text where they are none, or where only a text is right."""
    from specdet.checks.check import check

    values = [(path, text, toml_or_text(text)) for path, text in settings]
    new = file
    for path, _, value in values:
        new = new.set(path, value)
    wrong = {problem.path for problem in check(file.path, text=new.text)}
    for path, text, value in values:
        if dotted(path) in wrong and not isinstance(value, str):
            other = new.set(path, text)
            if dotted(path) not in {problem.path for problem in check(file.path, text=other.text)}:
                new = other
    return new


def _file(path: Path | None) -> Path:
    if path is None:
        raise ValueError("name the file to write, or --list the templates")
    if path.suffix != ".toml":
        raise ValueError(f"{path}: the name of a spec ends in .toml")
    return path


def _text(name: str, known: dict[str, str]) -> str:
    from specdet.registry import suggestion

    if name not in known:
        raise ValueError(f"--template {name}: there is none of that name{suggestion(name, known)}")
    return known[name]


def _setting(argument: str) -> tuple[SpecPath, str]:
    try:
        return split_argument(argument)
    except ValueError as error:
        raise ValueError(f"--set {argument}: {error}") from None
