"""end.json: how the training itself says that it ended; of its exit code, launchers leave nothing but 0 or 1."""

from pathlib import Path
from typing import Any, Literal

import attrs

from specdet.runs.files import read_json, write_json
from specdet.runs.state import Reason

END = "end.json"
VERSION = 1


@attrs.frozen(kw_only=True)
class End:
    """Written once an attempt, as the last thing: by rank 0, or by the first rank that failed.

    Attributes:
        outcome: finished (all that was asked for is trained), stopped (asked to, or by a signal), failed.
        reason, message: As in `RunState`.
        checkpoint: The last one, relative to the run directory; empty where there is none.
    """

    attempt: int
    outcome: Literal["finished", "stopped", "failed"]
    reason: Reason = ""
    message: str = ""
    checkpoint: str = ""


def write_end(directory: Path, end: End) -> None:
    """Say how the training ended."""
    write_json(directory / END, {"v": VERSION, **attrs.asdict(end)})


def read_end(directory: Path, *, attempt: int) -> End | None:
    """How that attempt ended by its own account, or None."""
    try:
        table: Any = read_json(directory / END)
    except (OSError, ValueError):
        return None
    names = {attribute.name for attribute in attrs.fields(End)}
    if not isinstance(table, dict) or table.get("attempt") != attempt or not names <= table.keys():
        return None
    return End(**{name: table[name] for name in names})
