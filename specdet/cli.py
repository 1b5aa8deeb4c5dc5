"""`specdet VERB ...`: each verb is a module of `specdet.verbs`, imported when it is asked for: `check` stays fast."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from specdet import __version__
from specdet.exit_codes import WRONG_SPEC, exit_code
from specdet.spec import SpecError

VERBS = {
    "check": "say everything that is wrong with specs, before torch is even imported",
    "show": "print a spec with all that it extends and every default",
    "diff": "print which values of two specs differ",
    "explain": "say what a key, a component or a family of components is, and who uses it",
    "list": "name the components that a spec can have",
    "schema": "print a JSON Schema of specs, for editors",
    "trust": "let a plugin file of a spec run on this machine",
    "new": "start a spec from a template with comments",
    "upgrade": "bring specs to the newest version of the language, comments kept",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; gives the exit code: 0 fine, 1 problems in a spec, 2 wrong usage, 3 what this machine lacks."""
    argv = sys.argv[1:] if argv is None else list(argv)
    parser = argparse.ArgumentParser(prog="specdet", description="Train object detectors from checked TOML specs.")
    parser.add_argument("--version", action="version", version=f"specdet {__version__}")
    parsers = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    asked = next((argument for argument in argv if not argument.startswith("-")), None)
    for verb, line in VERBS.items():
        known = parsers.add_parser(verb, help=line, description=f"{line[0].upper()}{line[1:]}.")
        if verb == asked:
            import_module(f"specdet.verbs.{verb}").add_arguments(known)
    arguments = parser.parse_args(argv)
    try:
        return import_module(f"specdet.verbs.{arguments.verb}").run(arguments)
    except SpecError as error:
        print(error, file=sys.stderr)
        return exit_code(error.problems)
    except OSError as error:
        if isinstance(error, BrokenPipeError):  # the reader of our output (`| head`) has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        print(f"{error.filename}: {error.strerror}" if error.filename else error, file=sys.stderr)
        return WRONG_SPEC


if __name__ == "__main__":
    sys.exit(main())
