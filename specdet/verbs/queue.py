"""`specdet queue`: the runs that wait for devices, in order, and their order changed."""

import argparse
import sys
from typing import TYPE_CHECKING

from specdet.exit_codes import OK

if TYPE_CHECKING:
    from specdet.runs.tickets import Ticket

NOT_WAITING = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--first", metavar="RUN", help="let this one be served first")
    which.add_argument("--last", metavar="RUN", help="let this one be served last")
    which.add_argument("--before", nargs=2, metavar=("RUN", "OTHER"), help="let RUN be served before OTHER")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of text")


def run(arguments: argparse.Namespace) -> int:
    """Print the queue, after the change that was asked for."""
    from specdet.runs.select import find_run
    from specdet.runs.tickets import move, waiting

    moved = arguments.first or arguments.last or (arguments.before or [None])[0]
    if moved is not None:
        try:
            other = find_run(arguments.before[1]) if arguments.before else None
            move(find_run(moved), before=other, last=arguments.last is not None)
        except ValueError as error:
            print(error, file=sys.stderr)
            return NOT_WAITING
    queue = waiting()
    if arguments.json:
        import json

        print(json.dumps({"waiting": [_as_json(ticket) for ticket in queue]}, indent=1))
        return OK
    width = max((len(ticket.run.name) for ticket in queue), default=0)
    for place, ticket in enumerate(queue, start=1):
        print(f"{place:>3}  {ticket.run.name:<{width}}  waits for {ticket.wanted}")
    if not queue:
        print("no run waits for a device")
    return OK


def _as_json(ticket: "Ticket") -> dict[str, object]:
    return {"id": ticket.run.name, "directory": str(ticket.run), "wanted": ticket.wanted.to_table()}
