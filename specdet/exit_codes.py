"""How the verbs of `specdet` end."""

from collections.abc import Sequence

from specdet.spec import Problem

OK, WRONG_SPEC, WRONG_USAGE, WRONG_MACHINE = 0, 1, 2, 3
INTERRUPTED = 130  # by Ctrl-C, as shells count


def exit_code(problems: Sequence[Problem]) -> int:
    """0 for no problem; a mistake in the spec outranks what the machine lacks."""
    if not problems:
        return OK
    return WRONG_SPEC if any(problem.kind == "spec" for problem in problems) else WRONG_MACHINE
