"""Pages of a log of any size: its end, and what lies before and after a place in it."""

import os
from pathlib import Path

import attrs

from app.reading.log_lines import Levels, Line, clean

LINES = 500  # of a page
MOST_BYTES = 1 << 20  # of a page: lines may be long


@attrs.frozen(kw_only=True)
class Page:
    """Some lines of a log.

    Attributes:
        start, end: Where they lie in the file, in bytes.
        size: Of the file, in bytes; 0 where there is none.
    """

    lines: tuple[Line, ...] = ()
    start: int = 0
    end: int = 0
    size: int = 0


def page_before(path: Path, end: int | None = None, *, lines: int = LINES) -> Page:
    """The lines that end at a place, or at the end of the file, where a line that is still being written counts.

    Raises:
        OSError: Where the file is there and cannot be read.
    """
    descriptor = _open(path)
    if descriptor is None:
        return Page()
    try:
        size = os.fstat(descriptor).st_size
        end = size if end is None else max(0, min(end, size))
        start = max(0, end - MOST_BYTES)
        chunk = os.pread(descriptor, end - start, start)
        if start:  # the first is half a line, unless there is no other
            cut = chunk.find(b"\n", 0, len(chunk) - 1) + 1
            chunk, start = chunk[cut:], start + cut
        at = len(chunk) - 1 if chunk.endswith(b"\n") else len(chunk)
        for _ in range(lines):
            at = chunk.rfind(b"\n", 0, max(at, 0))
            if at < 0:
                break
        chunk, start = chunk[at + 1 :], start + at + 1
        return _page(chunk, start=start, size=size)
    finally:
        os.close(descriptor)


def page_after(path: Path, start: int, *, lines: int = LINES) -> Page:
    """The lines that begin at a place. Raises OSError as `page_before`."""
    descriptor = _open(path)
    if descriptor is None:
        return Page()
    try:
        size = os.fstat(descriptor).st_size
        start = max(0, min(start, size))
        chunk = os.pread(descriptor, MOST_BYTES, start)
        at = -1
        for _ in range(lines):
            following = chunk.find(b"\n", at + 1)
            if following < 0:
                break
            at = following
        return _page(chunk[: at + 1] if at >= 0 else chunk, start=start, size=size)
    finally:
        os.close(descriptor)


def has_line_after(path: Path, place: int) -> bool:
    """Whether a whole line begins at a place. Raises OSError as `page_before`."""
    descriptor = _open(path)
    if descriptor is None:
        return False
    try:
        return b"\n" in os.pread(descriptor, MOST_BYTES, place)
    finally:
        os.close(descriptor)


def _page(chunk: bytes, *, start: int, size: int) -> Page:
    levels = Levels()
    raw = chunk.split(b"\n")
    if raw and not raw[-1]:
        raw.pop()
    texts = [clean(line) for line in raw]
    lines = tuple(Line(text=text, level=levels.of(text)) for text in texts)
    return Page(lines=lines, start=start, end=start + len(chunk), size=size)


def _open(path: Path) -> int | None:
    try:
        # Without O_NONBLOCK a named pipe would keep us waiting for its writer.
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
