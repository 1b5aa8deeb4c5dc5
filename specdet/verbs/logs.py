"""`specdet logs`: what a run has printed, or its events, and what follows."""

import argparse
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from specdet.exit_codes import OK, WRONG_SPEC
from specdet.runs.select import find_run
from specdet.runs.status import read_status
from specdet.runs.tail import EVENTS, LOG, Event, LineTail, parse_event

POLL, LOOK = 0.2, 1.0  # s between two looks at the file, and at the run
FOLLOWED = 20  # lines that are shown first of a file that is followed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.add_argument("run", metavar="RUN", help="an id, a part of one, 'last', or a run directory")
    parser.add_argument("-f", "--follow", action="store_true", help="show what comes, until the run ends")
    parser.add_argument("-n", "--lines", type=int, metavar="N",
                        help=f"only the last N lines; with -f {FOLLOWED} unless given")  # fmt: skip
    parser.add_argument("--events", action="store_true", help="what happened, instead of what was printed")


def run(arguments: argparse.Namespace) -> int:
    """Print the log."""
    directory = find_run(arguments.run)
    path = directory / (EVENTS if arguments.events else LOG)
    lines = arguments.lines if arguments.lines is not None else FOLLOWED if arguments.follow else None
    show = _event_line if arguments.events else _line
    with LineTail(path, last=None if lines is None else max(0, lines)) as tail:
        if arguments.follow:
            _follow(directory, tail, show)
        elif not path.exists():
            print(_absent(directory, path), file=sys.stderr)
            return WRONG_SPEC
        _print(tail, show)
        if tail.rest:
            print(show(tail.rest), end="")
    return OK


def _follow(directory: Path, tail: LineTail, show: Callable[[bytes], str]) -> None:
    """Print what comes; returns when the run has ended, with its last lines still to be printed."""
    looked = -LOOK
    while True:
        if time.monotonic() - looked >= LOOK:
            looked = time.monotonic()
            status = read_status(directory)
            if not status.is_alive:
                return
        _print(tail, show)
        time.sleep(POLL)


def _print(tail: LineTail, show: Callable[[bytes], str]) -> None:
    for line in tail.read():
        sys.stdout.write(show(line))
    sys.stdout.flush()


def _line(line: bytes) -> str:
    return line.decode(errors="replace") + "\n"


def _event_line(line: bytes) -> str:
    event = parse_event(line)
    return "" if event is None else f"{event_text(event)}\n"


def event_text(event: Event) -> str:
    """An event for people: when, which attempt and step, what, with its data."""
    try:
        when = datetime.fromtimestamp(event.t).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        when = "at no time"
    data = {**event.data, **dict.fromkeys(event.nonfinite, "not finite")}
    return f"{when}  attempt {event.attempt}  step {event.step}  {event.kind}: {_values(data)}"


def _values(data: dict[str, object]) -> str:
    return ", ".join(
        f"{name} {value:.5g}" if isinstance(value, float) else f"{name} {value}" for name, value in data.items()
    )


def _absent(directory: Path, path: Path) -> str:
    if path.name == LOG:
        return f"{directory.name} has no {LOG}: a training without supervisor prints where it was started; try --events"
    return f"{directory.name} has no events yet"
