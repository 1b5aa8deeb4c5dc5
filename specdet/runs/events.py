"""events.jsonl: all that happened in a run, one JSON object a line, in order, never rewritten."""

import json
import math
import os
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

VERSION = 1
Kind = Literal["metric", "log", "phase", "eval", "checkpoint", "media", "alert", "command", "error"]
TAIL_BYTES = 1 << 16


class EventWriter:
    """Appends events to a file, each as one whole line in one write.

    A line is `{"v", "seq", "attempt", "t", "kind", "step", "epoch", "data"}`; numbers of `data` that are not finite are
    null, and `nonfinite` lists their names. A writer that opens a file with events in it goes on counting `seq`.

    Args:
        path: The file; made where it is missing.
        attempt: Which start of the run writes; the one after the last in the file unless given.
    """

    def __init__(self, path: Path, *, attempt: int | None = None):
        last = last_event(path)
        self.attempt = attempt or (last["attempt"] + 1 if last else 1)
        self._seq = last["seq"] + 1 if last else 0
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        if _is_torn(path):
            os.write(self._descriptor, b"\n")  # a killed writer's half line stays, as a line that readers skip

    def write(self, kind: Kind, data: Mapping[str, Any], *, step: int, epoch: int) -> None:
        """Append one event.

        Args:
            kind: What happened.
            data: JSON values by name.
            step: Optimizer steps completed.
            epoch: Training epochs completed.
        """
        event: dict[str, Any] = {
            "v": VERSION, "seq": self._seq, "attempt": self.attempt, "t": round(time.time(), 3), "kind": kind,
            "step": step, "epoch": epoch,
        }  # fmt: skip
        nonfinite = [name for name, value in data.items() if isinstance(value, float) and not math.isfinite(value)]
        event["data"] = {**data, **dict.fromkeys(nonfinite)}
        if nonfinite:
            event["nonfinite"] = nonfinite
        line = json.dumps(event, allow_nan=False, separators=(",", ":")).encode() + b"\n"
        written = os.write(self._descriptor, line)
        if written != len(line):
            raise OSError(f"only {written} of {len(line)} bytes of an event could be written: is the disk full?")
        self._seq += 1

    def close(self) -> None:
        """Close the file; nothing can be written any more."""
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def last_event(path: Path) -> dict[str, Any] | None:
    """The last whole event of a file, or None."""
    if not path.exists():
        return None
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - TAIL_BYTES))
        lines = file.read().split(b"\n")
    return next((event for line in reversed(lines) if (event := _parse(line)) is not None), None)


def _is_torn(path: Path) -> bool:
    with path.open("rb") as file:
        if not file.seek(0, os.SEEK_END):
            return False
        file.seek(-1, os.SEEK_END)
        return file.read() != b"\n"


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:  # an empty line, or what a killed writer left
        return None
    return event if isinstance(event, dict) and {"seq", "attempt"} <= event.keys() else None
