"""`specdet rerun`: train the stored spec of a run again, in a new run."""

import argparse
from pathlib import Path

from specdet.verbs.launch import add_launch_arguments, launch_options, load_to_start, refuse_if_busy, start_and_follow


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.add_argument("run", metavar="RUN", help="an id, a part of one, 'last', or a run directory")
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="change one value; ~KEY removes one")
    add_launch_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Start the new run and follow it; exit codes as of `launch`."""
    from specdet.experiment import load, resolved
    from specdet.runs.launch_command import SPEC
    from specdet.runs.select import find_run
    from specdet.runs.submit import SOURCE, Draft, launched, submit

    def start() -> tuple[Path, int]:
        parent = find_run(arguments.run)
        options = launch_options(arguments, before=launched(parent))
        stored, source = parent / SPEC, parent / SOURCE
        # A run that was resumed with changes holds that it goes on from itself, which a new one is not to do.
        resumed = load(stored, plugins=options.plugins).train.resume_from is not None
        overrides = ["~train.resume_from"] * resumed + arguments.overrides
        loaded = load_to_start(stored, overrides, plugins=options.plugins)
        refuse_if_busy(options)
        draft = Draft(
            name=loaded.experiment.name,
            seed=loaded.experiment.seed,
            spec=resolved(loaded.experiment),
            source=source.read_text(encoding="utf-8") if source.exists() else loaded.composed.source,
            annotations=loaded.experiment.data.annotation_files,
        )
        return submit(draft, options, parent=parent.name), 0

    return start_and_follow(start, detach=arguments.detach)
