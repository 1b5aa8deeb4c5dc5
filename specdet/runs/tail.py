"""Following files that grow: the log of a run as lines, and its events."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import attrs

EVENTS, LOG = "events.jsonl", "out.log"
CHUNK = 1 << 20  # bytes read at once
LONGEST_LINE = 16 << 20  # bytes; a longer line comes in pieces, or a file without line ends would fill the memory
LARGEST_COUNT = 1 << 53  # of steps, epochs and the like: more is not a number of ours


class LineTail:
    """The whole lines of a file, each given once, as they come.

    The file is kept open, so that what was still written to it before it was put aside is not lost, and so that no
    other file can come by its inode meanwhile.

    Args:
        path: The file; it may come later.
        last: Begin with only so many of the lines that are there already; None for all.

    Attributes:
        restarts: How often the file was replaced or cut short, and read from its beginning again.
    """

    def __init__(self, path: Path, *, last: int | None = None):
        self.path, self.restarts = path, 0
        self._descriptor: int | None = None
        self._offset, self._rest = 0, b""
        if last is not None and self._open():
            self._offset = self._start_of(last)

    def read(self) -> Iterator[bytes]:
        """The lines that were completed since the last time, without their ends: take all of them. Raises OSError."""
        yield from self._read()
        while self._is_elsewhere():
            yield from self._read()  # what was still written before it was put aside
            self.close()
            self.restarts += 1
            yield from self._read()

    @property
    def rest(self) -> bytes:
        """What follows the last whole line: half a line."""
        return self._rest

    @property
    def read_bytes(self) -> int:
        """How much of the file was read."""
        return self._offset

    @property
    def size(self) -> int:
        """Bytes of the file as far as it is open, else 0."""
        return 0 if self._descriptor is None else os.fstat(self._descriptor).st_size

    def close(self) -> None:
        """Let the file go; who reads again begins anew."""
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor, self._offset, self._rest = None, 0, b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def _read(self) -> Iterator[bytes]:
        if self._descriptor is None and not self._open():
            return
        assert self._descriptor is not None
        while chunk := os.pread(self._descriptor, CHUNK, self._offset):
            self._offset += len(chunk)
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            yield from lines
            if len(self._rest) > LONGEST_LINE:
                piece, self._rest = self._rest, b""
                yield piece

    def _open(self) -> bool:
        try:
            # Without O_NONBLOCK a named pipe would keep us waiting for its writer.
            self._descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            return False
        return True

    def _is_elsewhere(self) -> bool:
        """Whether the path means another file now, or one that was cut short."""
        if self._descriptor is None:
            return False
        ours = os.fstat(self._descriptor)
        if ours.st_size < self._offset:
            return True
        try:
            there = os.stat(self.path)
        except FileNotFoundError:  # put aside, and the next one is not there yet
            return False
        return (there.st_dev, there.st_ino) != (ours.st_dev, ours.st_ino)

    def _start_of(self, last: int) -> int:
        """Where the last so many whole lines begin."""
        assert self._descriptor is not None
        end = position = os.fstat(self._descriptor).st_size
        missing, found = last + 1, end
        while position and missing:
            start = max(0, position - CHUNK)
            chunk = os.pread(self._descriptor, position - start, start)
            at = len(chunk)
            while missing and (at := chunk.rfind(b"\n", 0, at)) >= 0:
                missing -= 1
                found = start + at + 1
            position = start
        return found if not missing else 0


@attrs.frozen(kw_only=True)
class Event:
    """A line of events.jsonl; kinds that this version does not know are given as well.

    Attributes:
        nonfinite: Names of `data` whose number was NaN or infinite, and is None.
    """

    seq: int
    attempt: int
    t: float
    kind: str
    step: int
    epoch: int
    data: Mapping[str, Any]
    nonfinite: tuple[str, ...] = ()


def parse_event(line: bytes) -> Event | None:
    """The event of a line; None for what a killed writer left, and for whatever else is none."""
    import orjson

    try:
        table = orjson.loads(line)
        numbers = {name: table[name] for name in ("seq", "attempt", "step", "epoch")}
        t, kind, data = table["t"], table["kind"], table["data"]
        nonfinite = table.get("nonfinite", ())
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return None
    if not all(type(value) is int and 0 <= value < LARGEST_COUNT for value in numbers.values()):
        return None
    if type(t) not in (int, float):
        return None
    if not isinstance(kind, str) or not isinstance(data, dict):
        return None
    names = tuple(name for name in nonfinite if isinstance(name, str)) if isinstance(nonfinite, list) else ()
    return Event(t=t, kind=kind, data=data, nonfinite=names, **numbers)


class EventTail(LineTail):
    """The events of a run as they come. Args: as those of `LineTail`."""

    def events(self) -> Iterator[Event]:
        """Those that were written since the last time; torn lines are passed over."""
        return (event for line in self.read() if (event := parse_event(line)) is not None)
