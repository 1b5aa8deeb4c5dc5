"""`specdet check`: all that is wrong with specs, at once."""

import argparse
import sys
from collections.abc import Sequence

from specdet.exit_codes import OK, WRONG_MACHINE, WRONG_SPEC, exit_code
from specdet.spec import Problem, SpecError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.add_argument("specs", nargs="+", metavar="SPEC", help="spec files, or specdet:NAME for shipped ones")
    parser.add_argument("--set", dest="overrides", action="append", default=[], metavar="KEY=VALUE",
                        help="try an override, or ~KEY to remove one; may be repeated")  # fmt: skip
    parser.add_argument("--data", action="store_true", help="open the data too: files, classes, annotations")
    parser.add_argument("--device", action="store_true", help="ask this machine's device too: precision")


def run(arguments: argparse.Namespace) -> int:
    """Check every spec; the exit code is that of the worst."""
    codes = []
    for path in arguments.specs:
        found = problems_of(path, arguments.overrides, data=arguments.data, device=arguments.device)
        for problem in found:
            print(problem, file=sys.stderr)
        print(f"{path}: {f'{len(found)} problem' + 's' * (len(found) > 1) if found else 'fine'}")
        codes.append(exit_code(found))
    return next((code for code in (WRONG_SPEC, WRONG_MACHINE) if code in codes), OK)


def problems_of(path: str, overrides: Sequence[str], *, data: bool, device: bool) -> list[Problem]:
    """All problems of one spec; what the flags do not ask for is not opened."""
    from specdet.experiment import load

    try:
        experiment = load(path, overrides)
    except SpecError as error:
        return list(error.problems)
    found: list[Problem] = []
    if data:
        from specdet.data.check import data_problems

        found += [problem.under("data") for problem in data_problems(experiment.data)]
    if device:
        from specdet.runner.precision import device_problems

        found += device_problems(experiment.train)
    return found
