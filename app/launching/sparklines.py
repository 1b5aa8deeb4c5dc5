"""Sparklines: the course of a metric in a few numbers, from a few places of events.jsonl, however long that is."""

import os
from collections.abc import Iterator
from pathlib import Path

from specdet.runs.tail import EVENTS, parse_event

POINTS = 40
WHOLE = 1 << 17  # bytes; a file up to this is read as a whole
PIECE = 1 << 12  # bytes read at each place of a longer one; a line of metrics has some hundred


def sparkline(directory: Path, metric: str, *, points: int = POINTS) -> list[float]:
    """About `points` finite values of a metric in the order of the steps; none where none can be read.

    Of a long file only pieces at equal distances are read, which suits what is written each window, such as the loss.
    """
    found: dict[int, tuple[int, float]] = {}
    for line in _lines(directory / EVENTS, pieces=points):
        event = parse_event(line)
        if event is None or event.kind not in ("metric", "eval"):
            continue
        value = event.data.get(metric)
        if isinstance(value, int | float) and not isinstance(value, bool):
            known = found.get(event.step)
            if known is None or event.attempt >= known[0]:
                found[event.step] = (event.attempt, float(value))
    values = [found[step][1] for step in sorted(found)]
    if len(values) <= points:
        return values
    return [values[round(at * (len(values) - 1) / (points - 1))] for at in range(points)]


def size_of_events(directory: Path) -> int:
    """Bytes of a run's events: while it stays, so does the sparkline; 0 where there are none."""
    try:
        return os.stat(directory / EVENTS).st_size
    except OSError:
        return 0


def _lines(path: Path, *, pieces: int) -> Iterator[bytes]:
    """Whole lines: all of them, or those in pieces at equal distances, the last one at the end."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    except OSError:
        return
    try:
        size = os.fstat(descriptor).st_size
        if size <= WHOLE:
            yield from os.pread(descriptor, WHOLE, 0).split(b"\n")
            return
        for place in range(pieces):
            start = (size - PIECE) * place // (pieces - 1)
            lines = os.pread(descriptor, PIECE, start).split(b"\n")
            yield from lines[1 if start else 0 : -1]  # the outer two are cut
    except OSError:  # a folder, or a disk that fails
        return
    finally:
        os.close(descriptor)
