"""`specdet note`: what people say of a run."""

import argparse

from specdet.runs.select import find_run
from specdet.runs.user import edit_user, read_user


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.add_argument("run", metavar="RUN", help="an id, a part of one, 'last', or a run directory")
    parser.add_argument("text", nargs="?", metavar="TEXT", help="the note; without one the note is printed")
    parser.add_argument("--name", metavar="NAME", help="what the run is called in lists; '' for its own name")
    parser.add_argument("--star", action=argparse.BooleanOptionalAction, help="put a star beside it")
    parser.add_argument("--archive", action=argparse.BooleanOptionalAction, help="leave it out of lists")


def run(arguments: argparse.Namespace) -> int:
    """Write what was given, or print the note."""
    directory = find_run(arguments.run)
    given = {"note": arguments.text, "name": arguments.name, "star": arguments.star, "archived": arguments.archive}
    if any(value is not None for value in given.values()):
        edit_user(directory, **given)
    elif note := read_user(directory).note:
        print(note)
    return 0
