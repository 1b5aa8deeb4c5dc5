"""`specdet stop`: ask a run to save and stop, or to stop at once."""

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from specdet.runs.control import Command
    from specdet.runs.status import RunStatus

POLL = 0.1  # s
LOOK = 1.0  # s between two looks at all processes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.add_argument("run", metavar="RUN", help="an id, a part of one, 'last', or a run directory")
    parser.add_argument(
        "--now", action="store_true", help="without a checkpoint: what was trained since the last is lost"
    )
    parser.add_argument("--timeout", type=float, default=60.0, metavar="S", help="how long to wait for an answer")


def run(arguments: argparse.Namespace) -> int:
    """Ask, and wait for the answer: 0 once it is taken up or the run has ended, 1 without an answer."""
    from specdet.runs.select import find_run
    from specdet.runs.state import ENDED
    from specdet.runs.status import read_status
    from specdet.runs.steering import steer

    directory = find_run(arguments.run)
    status = read_status(directory)
    if not status.is_alive:
        print(_told(status), file=sys.stdout if status.state in ENDED else sys.stderr)
        return 0 if status.state in ENDED else 1
    command = steer(directory, "stop_now" if arguments.now else "stop", status=status, by="cli")
    if command is None:
        print(f"{directory.name}: its processes were killed")
        return 0
    if answer := _wait(directory, command, seconds=arguments.timeout):
        print(answer)
        return 0
    advice = "look into its log" if arguments.now else "look into its log, or use --now"
    print(f"{directory.name}: no answer within {arguments.timeout:g} s: {advice}", file=sys.stderr)
    return 1


def _wait(directory: Path, command: "Command", *, seconds: float) -> str:
    """What came of the command, empty where nothing was heard of it."""
    from specdet.runs.control import outcome_of
    from specdet.runs.state import read_state
    from specdet.runs.status import read_status

    deadline = time.monotonic() + seconds
    looked = time.monotonic()
    while time.monotonic() < deadline:
        state, outcome = read_state(directory), outcome_of(directory, command)
        if state is not None and state.has_ended:
            return _told(read_status(directory))
        if outcome is not None:
            return f"{directory.name}: stopping" if outcome == "done" else f"{directory.name}: {outcome}"
        if time.monotonic() - looked > LOOK:
            looked = time.monotonic()
            status = read_status(directory)
            if not status.is_alive:
                return _told(status)
        time.sleep(POLL)
    return ""


def _told(status: "RunStatus") -> str:
    return f"{status.id}: {status.state}" + (f": {status.why}" if status.why else "")
