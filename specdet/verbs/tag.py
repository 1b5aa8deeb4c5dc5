"""`specdet tag`: words by which runs are found."""

import argparse

from specdet.runs.select import find_run
from specdet.runs.user import edit_user


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.add_argument("run", metavar="RUN", help="an id, a part of one, 'last', or a run directory")
    parser.add_argument("changes", nargs=argparse.REMAINDER, metavar="+TAG -TAG",
                        help="add +TAG, or TAG, and remove -TAG; without any the tags are printed")  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Change the tags and print those that there are now."""
    directory = find_run(arguments.run)
    removed = [change[1:] for change in arguments.changes if change.startswith("-")]
    added = [change.removeprefix("+") for change in arguments.changes if not change.startswith("-")]
    for tag in edit_user(directory, add_tags=added, remove_tags=removed).tags:
        print(tag)
    return 0
