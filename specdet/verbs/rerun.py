"""`specdet rerun`: train the stored spec of a run again, in a new run."""

import argparse
from pathlib import Path

from specdet.verbs.launch import add_launch_arguments, asked, start_and_follow


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.add_argument("run", metavar="RUN", help="an id, a part of one, 'last', or a run directory")
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="change one value; ~KEY removes one")
    add_launch_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Start the new run and follow it; exit codes as of `launch`."""
    from specdet.launching import launch_options, rerun
    from specdet.runs.select import find_run
    from specdet.runs.submit import launched

    def begin() -> tuple[Path, int]:
        parent = find_run(arguments.run)
        options = launch_options(**asked(arguments), before=launched(parent))
        return rerun(parent, arguments.overrides, options=options), 0

    return start_and_follow(begin, detach=arguments.detach)
