"""`specdet resume`: go on with a run that has ended, in its directory, from its last checkpoint."""

import argparse
from pathlib import Path

import attrs

from specdet.spec import Problem, SpecError
from specdet.verbs.launch import add_launch_arguments, launch_options, load_to_start, refuse_if_busy, start_and_follow


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.add_argument("run", metavar="RUN", help="an id, a part of one, 'last', or a run directory")
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE",
                        help="change one value of its spec, as in train.max_epochs=24; ~KEY removes one")  # fmt: skip
    add_launch_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Start the next attempt and follow it; exit codes as of `launch`."""
    from specdet.runs.launch_command import SPEC
    from specdet.runs.select import find_run
    from specdet.runs.state import read_state
    from specdet.runs.submit import launched, resubmit
    from specdet.runs.supervisor import OUT_LOG

    def start() -> tuple[Path, int]:
        directory = find_run(arguments.run)
        state = read_state(directory)
        if state is not None and state.state == "finished" and not arguments.overrides:
            message = f"{directory.name} has finished: to train it longer, say so, as in train.max_epochs=24"
            raise SpecError([Problem(path="", message=message)])
        before = launched(directory)
        if before is None and arguments.devices is None and arguments.processes is None:
            arguments.processes = _world_size(directory)  # as many as it was started with, by hand
        options = launch_options(arguments, before=before)
        load_to_start(directory / SPEC, arguments.overrides, plugins=options.plugins, run=directory)
        refuse_if_busy(options)
        log_start = log.stat().st_size if (log := directory / OUT_LOG).exists() else 0
        resubmit(directory, attrs.evolve(options, overrides=tuple(arguments.overrides)))
        return directory, log_start

    return start_and_follow(start, detach=arguments.detach)


def _world_size(directory: Path) -> int | None:
    from specdet.runs.meta import NAME
    from specdet.runs.tables import find_table

    return find_table(directory / NAME).whole("world_size") or None
