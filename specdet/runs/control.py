"""control/: what anybody asks of a run. A command is a file, so that none is lost and none is half there.

Whoever asks puts a file into `control/new/`. The training looks there once a second and moves what it has dealt with to
`control/done/`, with the outcome; it says so in an event as well.
"""

import os
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import attrs

from specdet.runs.files import read_json, write_json

Kind = Literal["stop", "stop_now", "checkpoint", "evaluate"]
KINDS: tuple[Kind, ...] = ("stop", "stop_now", "checkpoint", "evaluate")
VERSION = 1
FOLDER = "control"


@attrs.frozen(kw_only=True)
class Command:
    """One thing that was asked for.

    Attributes:
        id: Its file's name; sorts by time.
        kind: stop (at the next step, with a checkpoint), stop_now (without), checkpoint, evaluate.
        t: When, s since 1970.
        by: Who asked: "cli", "app", a name.
    """

    id: str
    kind: Kind
    t: float
    by: str = "cli"


def ask(directory: Path, kind: Kind, *, by: str = "cli") -> Command:
    """Ask a run for something. Raises OSError where its directory cannot be written to."""
    now = time.time()
    command = Command(id=f"{int(now * 1e6):017d}-{secrets.token_hex(2)}", kind=kind, t=round(now, 3), by=by)
    folder = _folder(directory, "new")
    write_json(folder / f"{command.id}.json", {"v": VERSION, **attrs.asdict(command)})
    return command


def pending(directory: Path) -> list[Command]:
    """What was asked for and not dealt with yet, oldest first; what is no command is left lying."""
    try:
        names = sorted(os.listdir(directory / FOLDER / "new"))
    except FileNotFoundError:
        return []
    found = (_read(directory / FOLDER / "new" / name) for name in names if name.endswith(".json"))
    return [command for command in found if command is not None]


def finish(directory: Path, command: Command, *, outcome: str) -> None:
    """Say what came of a command: "done", or a sentence on why it was not."""
    done = _folder(directory, "done")
    write_json(done / f"{command.id}.json", {"v": VERSION, **attrs.asdict(command), "outcome": outcome})
    (directory / FOLDER / "new" / f"{command.id}.json").unlink(missing_ok=True)


def outcome_of(directory: Path, command: Command) -> str | None:
    """What came of a command; None while it waits."""
    try:
        return read_json(directory / FOLDER / "done" / f"{command.id}.json")["outcome"]
    except FileNotFoundError:
        return None


def _folder(directory: Path, name: str) -> Path:
    """A folder for commands; a run directory that was moved away is not made again for it."""
    (directory / FOLDER).mkdir(exist_ok=True)
    (directory / FOLDER / name).mkdir(exist_ok=True)
    return directory / FOLDER / name


def _read(path: Path) -> Command | None:
    try:
        table: Any = read_json(path)
    except (FileNotFoundError, ValueError):  # dealt with meanwhile, or a stranger's file
        return None
    if not isinstance(table, Mapping) or table.get("kind") not in KINDS or not isinstance(table.get("t"), int | float):
        return None
    return Command(id=path.stem, kind=table["kind"], t=float(table["t"]), by=str(table.get("by", "")))
