"""progress.json, as rank 0 keeps it."""

from pathlib import Path
from typing import Any

from specdet.runs.files import read_json

PROGRESS = "progress.json"


def read_progress(directory: Path, *, attempt: int) -> dict[str, Any] | None:
    """What that attempt said last of how far it is; None where it has said nothing."""
    try:
        table: Any = read_json(directory / PROGRESS)
    except (OSError, ValueError):
        return None
    return table if isinstance(table, dict) and table.get("attempt") == attempt else None
