"""JSON files of a run directory, read by who cannot choose what lies there: whatever it is, nothing is raised."""

import os
import stat
from pathlib import Path
from typing import Any

import attrs

LARGEST = 16 << 20  # bytes; ours have a few thousand


@attrs.frozen(kw_only=True)
class FoundTable:
    """The table in a file, as far as there is one.

    Attributes:
        values: Empty where nothing could be read.
        problem: Why nothing could be read, as a sentence without the file's folder; empty where the file is missing.
    """

    values: dict[str, Any] = attrs.field(factory=dict)
    problem: str = ""

    def text(self, key: str) -> str:
        """A text, or an empty one."""
        value = self.values.get(key)
        return value if isinstance(value, str) else ""

    def number(self, key: str) -> float | None:
        """A finite number, or None."""
        value = self.values.get(key)
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None

    def whole(self, key: str) -> int:
        """A whole number, or 0."""
        value = self.values.get(key)
        return value if isinstance(value, int) and not isinstance(value, bool) else 0

    def table(self, key: str) -> "FoundTable":
        """The table below a key, or an empty one."""
        value = self.values.get(key)
        return FoundTable(values=value) if isinstance(value, dict) else FoundTable()


def find_table(path: Path) -> FoundTable:
    """What the file `path` says."""
    import orjson

    try:
        content = read_bytes(path)
    except FileNotFoundError:
        return FoundTable()
    except OSError as error:
        return FoundTable(problem=f"{path.name} cannot be read: {error.strerror or error}")
    try:
        values = orjson.loads(content)
    except orjson.JSONDecodeError:
        return FoundTable(problem=f"{path.name} is no whole JSON document")
    if not isinstance(values, dict):
        return FoundTable(problem=f"{path.name} holds something else than a table")
    return FoundTable(values=values)


def read_bytes(path: Path, *, largest: int = LARGEST) -> bytes:
    """The content of a file; never waits, as opening a pipe would. Raises OSError for what is no file of usual size."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(f"{path.name} is no file")
        if found.st_size > largest:
            raise OSError(f"it has {found.st_size} bytes")
        return os.read(descriptor, found.st_size)
    finally:
        os.close(descriptor)
