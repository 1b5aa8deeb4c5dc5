"""Watchdog: notices that a training does not move any more, and tells which rank is stuck where."""

import sys
import threading
import time
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from traceback import FrameSummary, extract_stack

import attrs

from specdet.runs.files import read_json, write_json

FOLDER = "stalled"
VERSION = 1
# Where a rank waits for the others: in a collective, in the backward pass, in which gradients are averaged, or before
# a forward pass, in which buffers are shared. Further out in the stack these say nothing.
WAITS = (
    "/torch/distributed/",
    "/torch/autograd/graph.py",
    "/torch/nn/parallel/distributed.py",
    "/accelerate/utils/operations.py",
    "/accelerate/state.py",
)
INNERMOST = 3  # frames: a collective and what wraps it
DEBUGGERS = ("/bdb.py", "/pdb.py", "/pydevd")
FOREIGN = ("/lib/python", "/site-packages/", "<frozen")
OURS = "/site-packages/specdet/"


@attrs.frozen(kw_only=True)
class Point:
    """Where a rank is.

    Attributes:
        at: The innermost place of the training or the user's code: "name (file:line)".
        waits: Whether it waits for other ranks.
    """

    rank: int
    at: str
    waits: bool


class Watchdog:
    """Asked once a second, in a thread of its own, whether the main thread still gets from step to step.

    A rank that has not moved for half the time says where it is in a file of the run directory; after all of it, each
    rank reads what the others have said. One that says nothing is stuck so deep that no thread of it runs.

    Args:
        position: Changes with each step, batch and phase.
        timeout: s without a change.
        folder: Of the run.
        rank, world_size: Of this process.
        attempt: Of the run; what earlier ones have left does not count.
        on_hang: Called once, in the thread that asks, with a sentence.
    """

    def __init__(
        self,
        position: Callable[[], Hashable],
        *,
        timeout: float,
        folder: Path,
        rank: int,
        world_size: int,
        attempt: int,
        on_hang: Callable[[str], None],
    ):
        self._position, self._timeout, self._on_hang = position, timeout, on_hang
        self._folder, self._rank, self._world_size, self._attempt = folder / FOLDER, rank, world_size, attempt
        self._main = threading.main_thread().ident
        self._seen: Hashable = None
        self._since = time.monotonic()
        self._told = self._over = False

    def look(self) -> None:
        """Compare with the last time."""
        position, now = self._position(), time.monotonic()
        if position != self._seen:
            self._seen, self._since = position, now
            self._forget()
            return
        stalled = now - self._since
        if self._over or stalled < self._timeout / 2:
            return
        stack = self._stack()
        if any(each in frame.filename for frame in stack for each in DEBUGGERS):
            return
        if not self._told:
            self._tell(stack)
        if stalled >= self._timeout:
            self._over = True
            self._on_hang(self._sentence(stalled))

    def _stack(self) -> Sequence[FrameSummary]:
        """Of the main thread, the innermost frame last."""
        frame = sys._current_frames().get(self._main or 0)
        return [] if frame is None else extract_stack(frame)

    def _tell(self, stack: Sequence[FrameSummary]) -> None:
        self._told = True
        point = point_of(stack, rank=self._rank)
        try:
            self._folder.mkdir(exist_ok=True)
            write_json(
                self._file(self._rank),
                {
                    "v": VERSION,
                    "attempt": self._attempt,
                    **attrs.asdict(point),
                    "stack": [_named(each) for each in stack],
                },
                durable=False,
            )
        except OSError:  # the disk may be the very thing that hangs; the others then say that this rank is silent
            return

    def _forget(self) -> None:
        if self._told:
            self._file(self._rank).unlink(missing_ok=True)
            self._told = False

    def _file(self, rank: int) -> Path:
        return self._folder / f"rank_{rank:05d}.json"

    def _sentence(self, stalled: float) -> str:
        points: list[Point] = []
        silent: list[int] = []
        for rank in range(self._world_size):
            try:
                said = read_json(self._file(rank))
                if said["attempt"] != self._attempt:
                    raise ValueError("of an earlier attempt")
                points.append(Point(rank=rank, at=said["at"], waits=said["waits"]))
            except (OSError, ValueError, KeyError):
                silent.append(rank)
        return sentence(points, silent=silent, stalled=stalled)


def point_of(stack: Sequence[FrameSummary], *, rank: int) -> Point:
    """Where a rank is, told from the frames of its main thread, the innermost last."""
    own = [frame for frame in stack if OURS in frame.filename or not any(each in frame.filename for each in FOREIGN)]
    waits = any(each in frame.filename for frame in stack[-INNERMOST:] for each in WAITS)
    innermost = _named(stack[-1]) if stack else "no place"
    if not own or own[-1] is stack[-1]:
        return Point(rank=rank, at=_named(own[-1]) if own else innermost, waits=waits)
    return Point(rank=rank, at=f"{_named(own[-1])}, in {innermost}", waits=waits)


def sentence(points: Sequence[Point], *, silent: Sequence[int], stalled: float) -> str:
    """What hangs, and what to do."""
    stuck = [f"rank {each.rank} is at {each.at}" for each in points if not each.waits]
    stuck += [f"rank {rank} says nothing: it is stuck in native code, or gone" for rank in silent]
    waiting = [each for each in points if each.waits]
    parts = [*stuck]
    if waiting and stuck:
        wait = "wait" if len(waiting) > 1 else "waits"
        parts.append(f"{_ranks([each.rank for each in waiting])} {wait} for it, at {waiting[0].at}")
    elif waiting:
        parts += [f"rank {each.rank} waits at {each.at}" for each in waiting]
        parts.append("all wait for each other: have they done different steps?")
    return (
        f"the training has not moved for {stalled:.0f} s: {'; '.join(parts)}. It can be resumed from its last "
        "checkpoint; where a step may take as long as that, raise train.hang_timeout"
    )


def _ranks(ranks: Sequence[int]) -> str:
    shown = ", ".join(map(str, ranks[:8])) + (", ..." if len(ranks) > 8 else "")
    return f"ranks {shown}" if len(ranks) > 1 else f"rank {shown}"


def _named(frame: FrameSummary) -> str:
    return f"{frame.name} ({frame.filename}:{frame.lineno})"
