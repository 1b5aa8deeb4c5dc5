"""`specdet rm`: move runs to the trash, and get them back."""

import argparse
import sys
from datetime import datetime
from pathlib import Path

from specdet.exit_codes import OK, WRONG_USAGE
from specdet.runs.directory import runs_root
from specdet.runs.prune import TRASH_DAYS, size
from specdet.runs.select import find_run
from specdet.runs.trash import TRASH, move_to_trash, refusal, restore, trashed_runs
from specdet.runs.words import byte_count
from specdet.spec import Problem, SpecError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.add_argument("runs", nargs="*", metavar="RUN", help="an id, a part of one, 'last', or a run directory")
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")
    parser.add_argument(
        "--restore", action="store_true", help="put runs back; without RUN, list what lies in the trash"
    )


def run(arguments: argparse.Namespace) -> int:
    """Move runs to the trash, all or none of them; or back."""
    root = runs_root()
    if arguments.restore:
        return _restore(arguments.runs, root)
    if not arguments.runs:
        print("which runs? give an id, a part of one, or 'last'", file=sys.stderr)
        return WRONG_USAGE
    directories = list(dict.fromkeys(find_run(text) for text in arguments.runs))
    if refused := [why for directory in directories if (why := refusal(directory))]:
        raise SpecError([Problem(path="", message=why) for why in refused])
    if not arguments.yes and not _agrees(directories):
        return WRONG_USAGE
    for directory in directories:
        move_to_trash(directory)
        print(f"{directory.name} is in the trash: `specdet rm --restore {directory.name}` gets it back")
    return OK


def _agrees(directories: list[Path]) -> bool:
    """Whether the person wants that."""
    if not sys.stdin.isatty():
        print("nobody can be asked here: say --yes", file=sys.stderr)
        return False
    for directory in directories:
        print(f"{byte_count(size(directory)):>9}  {directory}")
    try:
        answer = input(f"Move to the trash, for {TRASH_DAYS:.0f} days at least? [y/N] ")
    except EOFError:
        answer = ""
    return answer.strip().lower() in ("y", "yes")


def _restore(asked: list[str], root: Path) -> int:
    if not asked:
        for path, since in trashed_runs(root):
            print(f"{path.name}  since {datetime.fromtimestamp(since):%Y-%m-%d %H:%M}")
        return OK
    for directory in [find_run(text, root=root / TRASH) for text in asked]:
        print(restore(directory))
    return OK
