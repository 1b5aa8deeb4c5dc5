"""`specdet launch`: train a spec in a run of its own, which goes on when this shell is gone."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from specdet.exit_codes import WRONG_USAGE, exit_code
from specdet.runs.launch_command import LaunchOptions
from specdet.spec import Problem, SpecError
from specdet.spec.report import report

if TYPE_CHECKING:
    from specdet.experiment import Experiment, Loaded

BUSY = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.add_argument("spec", metavar="SPEC", help="a spec file, or specdet:NAME for a shipped one")
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="change one value; ~KEY removes one")
    parser.add_argument("--name", help="what the run is called, instead of what the spec says")
    add_launch_arguments(parser)
    several = parser.add_argument_group("several machines, each with a launch of its own")
    several.add_argument("--machines", type=int, default=1, metavar="M", help="how many train together")
    several.add_argument("--machine-rank", type=int, default=0, metavar="R", help="which one this is, from 0")
    several.add_argument("--main-address", default="", metavar="HOST:PORT", help="where they meet, on machine 0")


def add_launch_arguments(parser: argparse.ArgumentParser) -> None:
    """What `launch`, `resume` and `rerun` take alike."""
    parser.add_argument("--processes", type=int, metavar="N", help="processes on this machine; one for each GPU")
    parser.add_argument("--devices", metavar="WHICH",
                        help="auto (free GPUs, else the CPU), all, cpu, or GPUs by number or UUID: 0,1")  # fmt: skip
    parser.add_argument("--queue", action="store_true", help="wait where the devices are busy")
    parser.add_argument("--detach", action="store_true", help="start the run and do not follow it")
    parser.add_argument("--plugin", dest="plugins", action="append", default=[], metavar="FILE",
                        help="run this plugin file; may be repeated")  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Start the run and follow it: 0 it finished, 1 it failed, 76 it was stopped."""
    from specdet.experiment import resolved
    from specdet.runs.submit import Draft, submit

    named = [f"name={json.dumps(arguments.name, ensure_ascii=False)}"] if arguments.name is not None else []

    def start() -> tuple[Path, int]:
        options = launch_options(arguments)
        loaded = load_to_start(arguments.spec, [*arguments.overrides, *named], plugins=options.plugins)
        refuse_if_busy(options)
        experiment = loaded.experiment
        draft = Draft(
            name=experiment.name,
            seed=experiment.seed,
            spec=resolved(experiment),
            source=loaded.composed.source,
            annotations=experiment.data.annotation_files,
        )
        return submit(draft, options), 0

    return start_and_follow(start, detach=arguments.detach)


def launch_options(arguments: argparse.Namespace, *, before: LaunchOptions | None = None) -> LaunchOptions:
    """How to launch, as asked, and in what was not asked as before. Raises ValueError for what this machine has not."""
    from specdet.runs.devices import choose, device_names

    if before is not None and arguments.devices is None and arguments.processes is None:
        wanted, processes = before.wanted, before.processes
    else:
        devices = arguments.devices or "auto"
        wanted, processes = choose(devices, processes=arguments.processes, known=device_names())
    return LaunchOptions(
        wanted=wanted,
        processes=processes,
        waits=arguments.queue,
        plugins=tuple(str(Path(file).absolute()) for file in arguments.plugins) or (before.plugins if before else ()),
        machines=getattr(arguments, "machines", before.machines if before else 1),
        machine_rank=getattr(arguments, "machine_rank", before.machine_rank if before else 0),
        main_address=getattr(arguments, "main_address", before.main_address if before else ""),
    )


def load_to_start(
    path: str | Path, overrides: Iterable[str] = (), *, plugins: Iterable[str] = (), run: Path | None = None
) -> "Loaded":
    """The experiment of a spec that a training can be started with; what the training would refuse is found here.

    Args:
        path, overrides, plugins: As of `load`.
        run: The run directory that the training goes on in; a new one unless given.

    Raises:
        SpecError: With all that is wrong with the spec, or with what this machine has for it.
    """
    from specdet.checks.files import missing_files
    from specdet.experiment import load_with_source

    loaded = load_with_source(path, overrides, plugins=plugins)
    if found := [*missing_files(loaded.experiment), *(_resumes(loaded.experiment) if run is None else ())]:
        raise SpecError(loaded.composed.located(found))
    return loaded


def _resumes(experiment: "Experiment") -> Iterator[Problem]:
    """A launched run has a directory of its own; a run that goes on has one already."""
    from specdet.runs.directory import run_of

    source = experiment.train.resume_from
    run = run_of(source) if source is not None else None
    if run is not None:
        message = f"{run.name} is a run: go on with it by `specdet resume`, or take its weights by train.load_from"
        yield Problem(path="train.resume_from", message=message)


class BusyError(Exception):
    """The devices are taken, and the run is not to wait."""


def refuse_if_busy(options: LaunchOptions) -> None:
    """Raise BusyError, which names the runs, where a run is not to wait and would have to."""
    from specdet.runs.devices import device_names
    from specdet.runs.tickets import busy_message, in_the_way

    runs = [] if options.waits else in_the_way(options.wanted, known=device_names())
    if runs:
        raise BusyError(busy_message(runs))


def start_and_follow(start: Callable[[], tuple[Path, int]], *, detach: bool) -> int:
    """Start a run, say its id, and follow it; gives the exit code of the verb.

    Args:
        start: Starts it and gives its directory, and where in its log the new attempt begins, in bytes.
        detach: Do not follow it.
    """
    from specdet.runs.follow import follow

    try:
        directory, log_start = start()
    except SpecError as error:
        terminal = sys.stderr.isatty()
        colors = terminal and not os.environ.get("NO_COLOR")
        print(report(error.problems, excerpts=terminal, colors=colors), file=sys.stderr)
        return exit_code(error.problems)
    except BusyError as error:
        print(error, file=sys.stderr)
        return BUSY
    except ValueError as error:  # options that do not go together, or not with this machine
        print(error, file=sys.stderr)
        return WRONG_USAGE
    print(directory.name, flush=True)
    return 0 if detach else follow(directory, log_start=log_start)
