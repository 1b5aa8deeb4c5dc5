"""`specdet resume`: go on with a run that has ended, in its directory, from its last checkpoint."""

import argparse
from pathlib import Path

from specdet.verbs.launch import add_launch_arguments, asked, start_and_follow


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.add_argument("run", metavar="RUN", help="an id, a part of one, 'last', or a run directory")
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE",
                        help="change one value of its spec, as in train.max_epochs=24; ~KEY removes one")  # fmt: skip
    add_launch_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Start the next attempt and follow it; exit codes as of `launch`."""
    from specdet.launching import options_to_resume, resume
    from specdet.runs.select import find_run
    from specdet.runs.supervisor import OUT_LOG

    def begin() -> tuple[Path, int]:
        directory = find_run(arguments.run)
        log_start = log.stat().st_size if (log := directory / OUT_LOG).exists() else 0
        resume(directory, arguments.overrides, options=options_to_resume(directory, **asked(arguments)))
        return directory, log_start

    return start_and_follow(begin, detach=arguments.detach)
