"""All runs of a folder, at no cost where nothing has changed since they were last listed.

What is known of a settled run is kept in `.index.json`, with the time at which its directory changed: every file that
a row is made of is replaced, never written in place, and that changes the directory's time. What changes without that
is not kept but looked at each time: the runs that are not settled, whose processes may die, whose locks may be let go
and whose last sign of life grows old. Events, logs, commands and checkpoints are no part of a row. Who edits a file of
a settled run in place, against the protocol, sees it listed after the next change of that directory.
"""

import hashlib
import os
import re
import time
import zlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import attrs

from specdet.runs.devices import cache_folder
from specdet.runs.directory import runs_root
from specdet.runs.files import write_text
from specdet.runs.meta import NAME as META
from specdet.runs.state import STATE
from specdet.runs.status import RunStatus, live_runs, read_status
from specdet.runs.tables import read_bytes

VERSION = 1
INDEX = ".index.json"
LARGEST = 1 << 30  # bytes of the index
RUN_NAME = re.compile(r"\d{8}-\d{6}-[a-z0-9-]+-[0-9a-f]{4}")
# A directory may change again within one tick of the file system's clock, and its time would not tell.
COARSEST_CLOCK = 2_000_000_000  # ns
NAMES = tuple(attribute.name for attribute in attrs.fields(RunStatus))


def list_runs(root: Path | None = None, *, now: float | None = None) -> list[RunStatus]:
    """All runs of a folder, the newest first; none where there is no such folder.

    Args:
        root: `runs_root()` unless given.
        now: s since 1970.

    Raises:
        OSError: For a folder that cannot be read.
    """
    return RunList(root).update(now=now)


class RunList:
    """The runs of a folder for a program that lists them again and again: what is settled is kept in memory too.

    Args:
        root: `runs_root()` unless given.
    """

    def __init__(self, root: Path | None = None):
        self._root = (root or runs_root()).absolute()
        self._rows: Mapping[str, Any] | None = None  # as they stand in the index
        self._settled: dict[str, tuple[int, RunStatus | None]] = {}  # name -> time of the directory, ns, and the run

    def update(self, *, now: float | None = None) -> list[RunStatus]:
        """As `list_runs`."""
        index = _index_file(self._root)
        known = _read_index(index) if self._rows is None else self._rows
        rows: dict[str, list[Any]] = {}  # name -> time of the directory, ns, and the row or None for what is no run
        settled: dict[str, tuple[int, RunStatus | None]] = {}
        found: list[RunStatus] = []
        marks = cache(live_runs)
        started = time.time_ns()
        for name, changed in _folders(self._root):
            kept, before = known.get(name), self._settled.get(name)
            if kept is not None and kept[0] == changed:
                is_same = before is not None and before[0] == changed
                status = before[1] if before is not None and is_same else _status(kept[1])
                rows[name], settled[name] = kept, (changed, status)
            else:
                directory = self._root / name
                status = read_status(directory, now=now, marks=marks) if is_run(directory) else None
                if changed < started - COARSEST_CLOCK and (status is None or status.settled):
                    rows[name] = [changed, None if status is None else _row(status)]
                    settled[name] = (changed, status)
            if status is not None:
                found.append(status)
        if rows != known:
            _write_index(index, rows)
        self._rows, self._settled = rows, settled
        return sorted(found, key=lambda status: (status.created, status.id), reverse=True)


def _folders(root: Path) -> list[tuple[str, int]]:
    """Name and time of change, ns, of each folder in `root`."""
    found: list[tuple[str, int]] = []
    try:
        entries = os.scandir(root)
    except FileNotFoundError:
        return []
    with entries:
        for entry in entries:
            if entry.name[0] != "." and entry.name.isprintable():  # others have names that JSON cannot say
                try:
                    if entry.is_dir():
                        found.append((entry.name, entry.stat().st_mtime_ns))
                except OSError:  # moved away just now
                    continue
    return found


def is_run(directory: Path) -> bool:
    """Whether a folder is a run's, however little is left in it."""
    if RUN_NAME.fullmatch(directory.name):
        return True
    try:
        return (directory / META).is_file() or (directory / STATE).is_file()
    except OSError:  # no access, and nothing says that it is a run
        return False


def _row(status: RunStatus) -> list[Any]:
    return [getattr(status, name) for name in NAMES]


def _status(row: list[Any] | None) -> RunStatus | None:
    return None if row is None else RunStatus(**dict(zip(NAMES, row, strict=True)))


def _index_file(root: Path) -> Path:
    """Beside the runs, or with the user's other caches where nothing can be written there."""
    if os.access(root, os.W_OK):
        return root / INDEX
    return cache_folder() / "runs" / f"{hashlib.sha256(os.fsencode(root)).hexdigest()[:16]}.json"


def _read_index(path: Path) -> Mapping[str, Any]:
    """The rows that were kept; none where they are not all there, or were kept by another version."""
    import orjson

    try:
        content = read_bytes(path, largest=LARGEST)
    except OSError:
        return {}
    head, rows = content[: len(_head(b""))], content[len(_head(b"")) : -1]
    return orjson.loads(rows) if head == _head(rows) else {}


def _write_index(path: Path, rows: Mapping[str, Any]) -> None:
    import orjson

    content = orjson.dumps(rows)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, (_head(content) + content + b"}").decode(), durable=False)
    except OSError:  # no place to keep it, or another process was faster: the next list takes as long as this one
        return


def _head(rows: bytes) -> bytes:
    """What stands before the rows: it fits only rows that nobody has changed, of runs with the fields of today."""
    return b'{"v":%d,"check":"%08x","rows":' % (VERSION, zlib.crc32(rows, zlib.crc32(",".join(NAMES).encode())))
