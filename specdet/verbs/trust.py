"""`specdet trust`: let plugin files of specs run on this machine."""

import argparse
import sys
from pathlib import Path

from specdet.exit_codes import OK, WRONG_SPEC, WRONG_USAGE
from specdet.spec.problems import SpecError, printable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help="plugin files; read them first: they are code"
    )
    parser.add_argument("--forget", action="store_true", help="trust these files no longer")
    parser.add_argument("--list", action="store_true", dest="lists", help="print what is trusted")


def run(arguments: argparse.Namespace) -> int:
    """Change or print the list of trusted files. A file that changes has to be trusted again."""
    from specdet.spec.plugin_code import read_code
    from specdet.spec.trust import distrust, trust, trusted

    if not arguments.files and not arguments.lists:
        print("name a file, or --list", file=sys.stderr)
        return WRONG_USAGE
    code = OK
    for file in arguments.files:
        name = printable(str(file))
        if not arguments.forget:
            try:
                print(f"{name}: trusted as it is now (SHA-256 {trust(file, read_code(file))})")
            except SpecError as error:
                print(error, file=sys.stderr)
                code = WRONG_SPEC
        elif distrust(file):
            print(f"{name}: trusted no longer")
        else:
            print(f"{name}: was not trusted", file=sys.stderr)
            code = WRONG_SPEC
    for digest, place in trusted().items() if arguments.lists else ():
        print(f"{digest}  {place}")
    return code
