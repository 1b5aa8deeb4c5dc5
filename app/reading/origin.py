"""Where a run came from, as rows for people: what meta.json says."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from specdet.runs.meta import NAME
from specdet.runs.tables import find_table, read_bytes
from specdet.runs.words import byte_count

LONGEST = 2000  # characters of a value
MOST_ROWS = 500
MOST_TEXT = 1 << 18  # bytes of a text that is shown
FIRST = ("id", "name", "created", "via", "argv", "cwd", "seed", "parent", "git", "versions", "host", "launch")


def origin(directory: Path) -> tuple[list[tuple[str, str]], str]:
    """Keys and values, and why there are none, as a sentence or an empty text."""
    found = find_table(directory / NAME)
    keys = [*(key for key in FIRST if key in found.values), *(key for key in found.values if key not in FIRST)]
    rows: list[tuple[str, str]] = []
    for key in keys:
        for row in _rows(key, found.values[key]):
            if len(rows) == MOST_ROWS:
                return rows, f"{NAME} says more than is shown here"
            rows.append(row)
    return rows, found.problem


def text_of(path: Path) -> tuple[str, bool]:
    """The text of a file, and whether there is more of it than that.

    Raises:
        OSError: Where it cannot be read.
    """
    content = read_bytes(path)
    return content[:MOST_TEXT].decode(errors="replace"), len(content) > MOST_TEXT


def _rows(key: str, value: Any) -> Iterator[tuple[str, str]]:
    if key == "created" and isinstance(value, int | float):
        yield key, moment(value)
    elif key == "argv" and isinstance(value, Sequence) and not isinstance(value, str):
        yield key, _short(" ".join(map(str, value)))
    elif isinstance(value, Mapping) and value:
        for inner, each in value.items():
            yield from _rows(f"{key}.{inner}"[:LONGEST], each)
    elif isinstance(value, list) and value and all(isinstance(each, Mapping) for each in value):
        for number, each in enumerate(value):
            yield from _rows(f"{key}.{number}", each)
    elif key == "host.memory" and isinstance(value, int | float) and not isinstance(value, bool):
        yield key, byte_count(value)
    elif value not in (None, "", [], {}):
        yield key, _short("; ".join(map(str, value)) if isinstance(value, list) else str(value))


def moment(t: float) -> str:
    """A time, s since 1970, for people."""
    try:
        return datetime.fromtimestamp(t).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return "at no time"


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
