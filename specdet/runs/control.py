"""control/: what anybody asks of a run. A command is a file, so that none is lost and none is half there.

Whoever asks puts a file into `control/new/`. The training looks there once a second and moves what it has dealt with to
`control/done/`, with the outcome; it says so in an event as well.
"""

import os
import secrets
import time
from pathlib import Path
from typing import Literal

import attrs

from specdet.runs.files import write_json
from specdet.runs.tables import find_table

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
    """What came of a command; None while it waits, or where what should say so is damaged."""
    return find_table(directory / FOLDER / "done" / f"{command.id}.json").text("outcome") or None


@attrs.frozen(kw_only=True)
class Asked:
    """A command, and what came of it: "done", or a sentence on why it was not; empty while it waits."""

    command: Command
    outcome: str = ""


def asked(directory: Path, *, last: int = 20) -> list[Asked]:
    """What was asked for of late, newest first: all that waits, and the last so many that were dealt with."""
    waiting = {command.id: Asked(command=command) for command in pending(directory)}
    try:
        names = sorted(os.listdir(directory / FOLDER / "done"), reverse=True)
    except FileNotFoundError:
        names = []
    done: list[Asked] = []
    for name in names:
        found = _read_done(directory / FOLDER / "done" / name) if name.endswith(".json") else None
        if found is not None:
            waiting.pop(found.command.id, None)  # it was dealt with between the two looks
            done.append(found)
        if len(done) == last:
            break
    return sorted([*waiting.values(), *done], key=lambda each: each.command.id, reverse=True)


def _read_done(path: Path) -> Asked | None:
    command, outcome = _read(path), find_table(path).text("outcome")
    return Asked(command=command, outcome=outcome) if command is not None and outcome else None


def _folder(directory: Path, name: str) -> Path:
    """A folder for commands; a run directory that was moved away is not made again for it."""
    (directory / FOLDER).mkdir(exist_ok=True)
    (directory / FOLDER / name).mkdir(exist_ok=True)
    return directory / FOLDER / name


def _read(path: Path) -> Command | None:
    table = find_table(path)  # it may have been dealt with meanwhile, or be a stranger's
    kind: Kind | None = next((kind for kind in KINDS if kind == table.text("kind")), None)
    t = table.number("t")
    return None if kind is None or t is None else Command(id=path.stem, kind=kind, t=float(t), by=table.text("by"))
