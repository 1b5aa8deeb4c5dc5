"""`specdet VERB ...`: each verb is a module of `specdet.verbs`, imported when it is asked for: `check` stays fast."""

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from specdet import __version__

NEW_OBJECTS = 50_000  # between two searches for cycles; Python's own 700 make a tenth of the start

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
    "data": "look into data sets, count them, or write them in another format",
    "import-weights": "bring published weights under our names, or ours under torchvision's",
    "cost": "say what a training will take: steps, memory, disk",
    "probe-batch": "find the largest batch that fits in memory, by trying training steps",
    "browse": "draw images of a spec as training sees them, with what is on them",
    "launch": "train a spec in a run of its own, which goes on when this shell is gone",
    "resume": "go on with a run that has ended, from its last checkpoint",
    "rerun": "train the stored spec of a run again, in a new run",
    "stop": "ask a run to save and stop",
    "queue": "list the runs that wait for devices, or change their order",
    "runs": "list runs and where they stand, or prune their checkpoints",
    "logs": "print what a run has printed, and follow it",
    "note": "write down what is to be said of a run",
    "tag": "add words to a run by which it is found",
    "rm": "move runs to the trash, or get them back",
    "compare": "print how runs differ in spec and metrics",
    "eval": "measure a trained detector on a data set",
    "predict": "find objects in images and videos with a trained detector",
    "proposals": "write down what a trained detector finds in a data set, for FastRCNN",
    "app": "edit specs, start runs, watch and steer them, in a browser",
    "doctor": "say what this machine has and what it lacks for training",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; gives the exit code: 0 fine, 1 problems in a spec, 2 wrong usage, 3 what this machine lacks."""
    from specdet.exit_codes import INTERRUPTED, WRONG_SPEC, exit_code  # most of the start, which `run` has prepared for
    from specdet.spec.problems import SpecError, printable

    argv = sys.argv[1:] if argv is None else list(argv)
    parser = argparse.ArgumentParser(prog="specdet", description="Train object detectors from checked TOML specs.")
    parser.add_argument("--version", action="version", version=f"specdet {__version__}")
    parsers = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    asked = next((argument for argument in argv if not argument.startswith("-")), None)
    # Where a verb comes first, nothing of the others can be asked for, and a parser for each takes its time.
    wanted = {asked: VERBS[asked]} if argv and argv[0] == asked and asked in VERBS else VERBS
    for verb, line in wanted.items():
        known = parsers.add_parser(verb, help=line, description=f"{line[0].upper()}{line[1:]}.")
        if verb == asked:
            _module_of(verb).add_arguments(known)
    arguments, rest = parser.parse_known_args(argv)
    if rest:
        if not hasattr(arguments, "overrides") or any(each.startswith("-") for each in rest):
            parser.error(f"unrecognized arguments: {' '.join(rest)}")
        arguments.overrides += rest  # argparse takes them before options alone
    code = WRONG_SPEC
    try:
        code = _module_of(arguments.verb).run(arguments)
        sys.stdout.flush()
    except SpecError as error:
        print(error, file=sys.stderr)
        code = exit_code(error.problems)
    except BrokenPipeError:  # the reader of our output (`| head`) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except OSError as error:
        name = printable(str(error.filename)) if error.filename else "the current folder or the output"
        print(f"{name}: {error.strerror}", file=sys.stderr)
    return code


def _module_of(verb: str) -> Any:
    return import_module(f"specdet.verbs.{verb.replace('-', '_')}")


def run() -> None:
    """The program: `main` with streams that take every text, and are there at all."""
    gc.set_threshold(NEW_OBJECTS)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by whoever started us
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 (open as long as the process)
        else:
            stream.reconfigure(errors="backslashreplace")
    code = main()
    gc.freeze()  # or all that is left would be searched for cycles once more as the process ends
    sys.exit(code)


if __name__ == "__main__":
    run()
