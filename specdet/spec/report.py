"""How problems are told: a line each for pipes and logs, with the source and a caret on a terminal, or as JSON."""

from collections.abc import Iterable
from typing import Any

from specdet.spec.problems import Problem, printable

BOLD, RED, BLUE, PLAIN = "\x1b[1m", "\x1b[31m", "\x1b[34m", "\x1b[0m"
WIDEST = 120  # characters of a source line that are shown


def report(problems: Iterable[Problem], *, excerpts: bool = False, colors: bool = False) -> str:
    """The problems as text, one after the other.

    Args:
        problems: As `Composed.located` gives them.
        excerpts: Show each source line with a caret below what is meant.
        colors: Use a terminal's colours.
    """
    told: list[str] = []
    for problem in problems:
        told += _told(problem, indent="", excerpts=excerpts, colors=colors)
        for note in problem.notes:
            told += _told(note, indent="    ", excerpts=excerpts, colors=colors)
    return "\n".join(told)


def as_json(problem: Problem) -> dict[str, Any]:
    """The problem for tools; lines and columns as in `Place`."""
    place, in_file = problem.place, problem.origin.file is not None
    found = {
        "file": str(problem.origin.file) if in_file else None,
        "line": place.line if place and in_file else None,
        "column": place.column if place and in_file else None,
        "end_column": place.end if place and in_file else None,
        "argument": problem.origin.argument or None,
        "path": problem.path,
        "message": problem.message,
        "kind": problem.kind,
    }
    return {**found, "notes": [as_json(note) for note in problem.notes]} if problem.notes else found


def _told(problem: Problem, *, indent: str, excerpts: bool, colors: bool) -> list[str]:
    bold, red, blue, plain = (BOLD, RED, BLUE, PLAIN) if colors else ("",) * 4
    parts = [
        f"{bold}{problem.label}{plain}" if problem.label else "",
        printable(problem.path),
        printable(problem.message),
    ]
    lines = [indent + ": ".join(part for part in parts if part)]
    place = problem.place
    if excerpts and place is not None and place.text:
        start = max(0, place.column - WIDEST // 2) if len(place.text) > WIDEST else 0
        text = "".join(each if each.isprintable() else " " for each in place.text[start : start + WIDEST])
        length = max(1, min(place.end, start + WIDEST + 1) - place.column)
        number = str(place.line) if problem.origin.file else ""
        lines.append(f"{indent}{blue}{number:>5} |{plain} {text}")
        lines.append(f"{indent}{blue}{'':>5} |{plain} {' ' * (place.column - 1 - start)}{red}{'^' * length}{plain}")
    return lines
