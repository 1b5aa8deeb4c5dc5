"""The queue as it is shown: who waits, for what, behind whom; and other places in it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import attrs

from app.launching.machine import short
from specdet.runs.devices import Wish
from specdet.runs.status import read_status
from specdet.runs.tickets import in_the_way, move, waiting

Where = Literal["first", "up", "down", "last"]


@attrs.frozen(kw_only=True)
class Waiting:
    """A run that waits.

    Attributes:
        run: Its directory, which need not lie with the others.
        name: What it is called.
        wanted: The devices.
        behind: The ids of the runs that keep it waiting, those that train first.
        since: When it was made, s since 1970.
        asked: Whether it was asked to stop already.
    """

    run: Path
    name: str
    wanted: Wish
    behind: tuple[str, ...]
    since: float

    @property
    def wants(self) -> str:
        """The devices in words."""
        if self.wanted.names:
            return short(self.wanted.names)
        return f"any {self.wanted.count} GPUs" if self.wanted.count > 1 else "any GPU"


def who_waits(*, known: Sequence[str]) -> list[Waiting]:
    """The queue, in order. `known`: the devices of this machine."""
    found = []
    for ticket in waiting():
        status = read_status(ticket.run)
        behind = in_the_way(ticket.wanted, known=known, mine=ticket)
        found.append(
            Waiting(
                run=ticket.run,
                name=status.name,
                wanted=ticket.wanted,
                since=status.created,
                behind=tuple(each for each in behind if each != ticket.run.name),
            )
        )
    return found


def move_to(run: Path, where: Where, *, order: Sequence[Path]) -> None:
    """Give a waiting run another place.

    Args:
        where: first, last, or one place up or down.
        order: The queue as it was shown.

    Raises:
        ValueError: Where it waits no longer, or a neighbour of it does not.
    """
    at = order.index(run) if run in order else -1
    if at < 0:
        raise ValueError(f"{run.name} does not wait for a device")
    match where:
        case "first":
            move(run)
        case "last":
            move(run, last=True)
        case "up" if at > 0:
            move(run, before=order[at - 1])
        case "down" if at + 2 < len(order):
            move(run, before=order[at + 2])
        case "down" if at + 2 == len(order):
            move(run, last=True)
