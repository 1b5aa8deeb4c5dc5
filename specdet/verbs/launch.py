"""`specdet launch`: train a spec in a run of its own, which goes on when this shell is gone."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from specdet.exit_codes import WRONG_USAGE, exit_code
from specdet.spec import SpecError
from specdet.spec.report import report

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
    from specdet.launching import launch_options, name_override, start

    named = [name_override(arguments.name)] if arguments.name is not None else []

    def begin() -> tuple[Path, int]:
        options = launch_options(
            **asked(arguments),
            machines=arguments.machines,
            machine_rank=arguments.machine_rank,
            main_address=arguments.main_address,
        )
        return start(arguments.spec, [*arguments.overrides, *named], options=options), 0

    return start_and_follow(begin, detach=arguments.detach)


def asked(arguments: argparse.Namespace) -> dict[str, Any]:
    """What `add_launch_arguments` took, by the names that `launching` has for it."""
    return {
        "devices": arguments.devices,
        "processes": arguments.processes,
        "waits": arguments.queue,
        "plugins": arguments.plugins,
    }


def start_and_follow(start: Callable[[], tuple[Path, int]], *, detach: bool) -> int:
    """Start a run, say its id, and follow it; gives the exit code of the verb.

    Args:
        start: Starts it and gives its directory, and where in its log the new attempt begins, in bytes.
        detach: Do not follow it.
    """
    from specdet.launching import BusyError
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
