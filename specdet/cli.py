"""The verbs of `specdet`; each imports what it needs when it is called, so that `check` stays fast."""

import argparse
import sys
from collections.abc import Sequence

from specdet.spec import Problem, SpecError

OK, WRONG_SPEC, WRONG_USAGE, WRONG_MACHINE = 0, 1, 2, 3


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; gives the exit code: 0 fine, 1 problems in a spec, 2 wrong usage, 3 what this machine lacks."""
    parser = argparse.ArgumentParser(prog="specdet", description="Train object detectors from checked TOML specs.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    check = verbs.add_parser("check", help="say everything that is wrong with specs, before torch is even imported")
    check.add_argument("specs", nargs="+", metavar="SPEC", help="spec files, or specdet:NAME for shipped ones")
    check.add_argument("--set", dest="overrides", action="append", default=[], metavar="KEY=VALUE",
                       help="try an override, or ~KEY to remove one; may be repeated")  # fmt: skip
    check.add_argument("--data", action="store_true", help="open the data too: files, classes, annotations")
    check.add_argument("--device", action="store_true", help="ask this machine's device too: precision")
    check.set_defaults(run=_check)
    arguments = parser.parse_args(argv)
    return arguments.run(arguments)


def exit_code(problems: Sequence[Problem]) -> int:
    """0 for no problem; a mistake in the spec outranks what the machine lacks."""
    if not problems:
        return OK
    return WRONG_SPEC if any(problem.kind == "spec" for problem in problems) else WRONG_MACHINE


def _check(arguments: argparse.Namespace) -> int:
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


if __name__ == "__main__":
    sys.exit(main())
