"""state.json and proc.json: what the owner of a run says of it, and who the owner is."""

import time
from pathlib import Path
from typing import Any, Literal

import attrs

from specdet.runs.files import read_json, write_json
from specdet.runs.identity import Identity

State = Literal["queued", "starting", "running", "stopping", "finished", "stopped", "failed"]
Reason = Literal["", "user", "exit", "signal", "oom", "nan", "error", "orphaned"]
ENDED: tuple[State, ...] = ("finished", "stopped", "failed")
VERSION = 1
STATE, PROC = "state.json", "proc.json"


@attrs.frozen(kw_only=True)
class RunState:
    """What the owner of a run says last. Its one writer is the owner, which holds run.lock.

    Attributes:
        attempt: 1, and one more for each time that the run was resumed.
        t: When this was said, s since 1970.
        reason: Why the run ended, where it did: user (asked to stop), exit (of the process, with `exit_code`), signal
            (with `signal`), oom (memory), nan (a loss that is no number), error (an exception), orphaned (the
            supervisor was gone, and the training stopped itself).
        message: A sentence for people: what happened, what to do.
        last_lines: The end of out.log, where that helps.
    """

    state: State
    attempt: int = 1
    t: float = 0.0
    reason: Reason = ""
    message: str = ""
    exit_code: int | None = None
    signal: str = ""
    last_lines: tuple[str, ...] = ()

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will come of this attempt."""
        return self.state in ENDED


@attrs.frozen(kw_only=True)
class RunProcess:
    """Who owns a run, and with what.

    Attributes:
        owner: The process that holds run.lock.
        by: "supervisor", or "training" for one that was started without.
        attempt: As in `RunState`.
        processes: How many train.
        devices: Names of the devices that it has taken ("cpu", GPU UUIDs); empty while it waits for them.
        launcher: The process of `accelerate launch`, once it is started.
    """

    owner: Identity
    by: Literal["supervisor", "training"]
    attempt: int = 1
    processes: int = 1
    devices: tuple[str, ...] = ()
    launcher: Identity | None = None


def write_state(directory: Path, state: RunState) -> None:
    """Say where the run stands; `t` is now."""
    table = attrs.asdict(attrs.evolve(state, t=round(time.time(), 3)))
    write_json(directory / STATE, {"v": VERSION, **table})


def read_state(directory: Path) -> RunState | None:
    """What the owner said last; None where nothing was said, or nothing that can be read."""
    table = _read(directory / STATE)
    if not isinstance(table, dict) or table.get("state") not in ("queued", "starting", "running", "stopping", *ENDED):
        return None
    names = {attribute.name for attribute in attrs.fields(RunState)}
    known: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in table.items() if key in names
    }
    return RunState(**known)


def write_process(directory: Path, process: RunProcess) -> None:
    """Say who owns the run."""
    write_json(directory / PROC, {"v": VERSION, **attrs.asdict(process)})


def read_process(directory: Path) -> RunProcess | None:
    """Who owned the run last; None where nobody did, or nothing that can be read says so."""
    table = _read(directory / PROC)
    owner = Identity.read(table.get("owner")) if isinstance(table, dict) else None
    if owner is None or table.get("by") not in ("supervisor", "training"):
        return None
    numbers = [table.get(name, 1) for name in ("attempt", "processes")]
    if not all(type(number) is int for number in numbers) or not isinstance(table.get("devices", []), list):
        return None
    return RunProcess(
        owner=owner,
        by=table["by"],
        attempt=numbers[0],
        processes=numbers[1],
        devices=tuple(map(str, table.get("devices", ()))),
        launcher=Identity.read(table.get("launcher")),
    )


def _read(path: Path) -> Any:
    try:
        return read_json(path)
    except (OSError, ValueError, RecursionError):  # not there yet, or not ours: readers go by what else they see
        return None
