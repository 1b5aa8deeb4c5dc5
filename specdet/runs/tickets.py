"""The queue: a ticket for each run that waits for devices. There is no daemon: the supervisors that wait read it."""

import math
import os
import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs

from specdet.runs.devices import Wish, cache_folder, is_free, run_on
from specdet.runs.files import read_json, write_json
from specdet.runs.lock import is_owned

VERSION = 1


@attrs.frozen(kw_only=True)
class Ticket:
    """A place in the queue.

    Attributes:
        id: Its file's name; sorts by time.
        run: The run directory.
        wanted: The devices.
        order: Who is next: lowest first; s since 1970 unless it was moved.
    """

    id: str
    run: Path
    wanted: Wish
    order: float

    @property
    def place(self) -> tuple[float, str]:
        """What the queue is sorted by."""
        return (self.order, self.id)


def draw(run: Path, wanted: Wish) -> Ticket:
    """A place at the end, for a run that this process owns; tickets that were left of the same run are thrown away."""
    for old in _all():
        if _same(old.run, run):
            discard(old)
    now = time.time()
    last = max((ticket.order for ticket in waiting()), default=0.0)
    ticket = Ticket(
        id=f"{int(now * 1e6):017d}-{secrets.token_hex(2)}", run=run, wanted=wanted, order=max(now, last + 1e-3)
    )
    _folder().mkdir(parents=True, exist_ok=True)
    _write(ticket)
    return ticket


def discard(ticket: Ticket) -> None:
    """Leave the queue."""
    _path(ticket).unlink(missing_ok=True)


def waiting(*, mine: Ticket | None = None) -> list[Ticket]:
    """The queue, in order: the tickets whose run is owned by a process.

    Args:
        mine: The ticket of this process. Whether its run is owned is not asked: looking at one's own lock ends it.
    """
    return sorted((ticket for ticket in _all() if _is_live(ticket, mine)), key=lambda ticket: ticket.place)


def ahead(mine: Ticket, *, known: Sequence[str]) -> list[Ticket]:
    """The tickets that must be served before this one, which want devices that it may want. It may have been moved."""
    queue = waiting(mine=mine)
    now = next((ticket for ticket in queue if ticket.id == mine.id), mine)
    before = (ticket for ticket in queue if ticket.place < now.place)
    return [ticket for ticket in before if ticket.wanted.conflicts(mine.wanted, known=known)]


def in_the_way(wish: Wish, *, known: Sequence[str], mine: Ticket | None = None) -> list[str]:
    """What keeps a wish from being granted now: the ids of runs, those that train first; empty where nothing does."""
    busy = [name for name in wish.candidates(known) if not is_free(name)]
    if not wish.names and len(known) - len(busy) >= wish.count:
        busy = []
    runs = [run.name if (run := run_on(name)) else f"whoever trains on {name}" for name in busy]
    waits = ahead(mine, known=known) if mine else waiting()
    runs += [ticket.run.name for ticket in waits if ticket.wanted.conflicts(wish, known=known)]
    return list(dict.fromkeys(runs))


def busy_message(runs: Sequence[str]) -> str:
    """What to tell of a run that does not wait and cannot start."""
    return f"the devices are busy with {', '.join(runs)}: stop that, or wait for it with --queue"


def move(run: Path, *, before: Path | None = None, last: bool = False) -> None:
    """Give a waiting run another place: before another one, last, or else first.

    Raises:
        ValueError: Where one of them does not wait.
    """
    queue = waiting()
    ticket = _of(run, queue)
    others = [other for other in queue if other.id != ticket.id]
    if not others:
        return
    index = len(others) if last else 0 if before is None else others.index(_of(before, others))
    below = others[index - 1].order if index else -math.inf
    above = others[index].order if index < len(others) else math.inf
    if math.isinf(below):
        order = above - 1
    elif math.isinf(above):
        order = below + 1
    else:
        order = (below + above) / 2
    _write(attrs.evolve(ticket, order=order))


def _is_live(ticket: Ticket, mine: Ticket | None) -> bool:
    if mine is not None and _same(ticket.run, mine.run):  # whatever way it is spelled: looking would end our lock
        return ticket.id == mine.id
    return is_owned(ticket.run)


def _same(run: Path, other: Path) -> bool:
    try:
        return run == other or os.path.samefile(run, other)
    except OSError:
        return False


def _of(run: Path, queue: Sequence[Ticket]) -> Ticket:
    found = next((ticket for ticket in queue if ticket.run == run), None)
    if found is None:
        raise ValueError(f"{run.name} does not wait for a device")
    return found


def _folder() -> Path:
    return cache_folder() / "queue"


def _path(ticket: Ticket) -> Path:
    return _folder() / f"{ticket.id}.json"


def _write(ticket: Ticket) -> None:
    table = {"v": VERSION, "run": str(ticket.run), "wanted": ticket.wanted.to_table(), "order": ticket.order}
    write_json(_path(ticket), table)


def _all() -> list[Ticket]:
    try:
        names = sorted(os.listdir(_folder()))
    except FileNotFoundError:
        return []
    found = (_read(_folder() / name) for name in names if name.endswith(".json"))
    return [ticket for ticket in found if ticket is not None]


def _read(path: Path) -> Ticket | None:
    try:
        table: Any = read_json(path)
        return Ticket(
            id=path.stem, run=Path(table["run"]), wanted=Wish.read(table["wanted"]), order=float(table["order"])
        )
    except (FileNotFoundError, ValueError, KeyError, TypeError):  # served meanwhile, or a stranger's file
        return None
