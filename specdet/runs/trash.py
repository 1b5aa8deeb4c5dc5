"""Removing runs so that they can be had back: they are moved to `.trash` beside the others."""

import os
import shutil
import time
from pathlib import Path

from specdet.runs.lock import RunLock
from specdet.runs.status import read_status
from specdet.spec import SpecError

TRASH = ".trash"


def refusal(directory: Path) -> str:
    """Why a run cannot be removed, as a sentence, or an empty text."""
    status = read_status(directory)
    if not status.is_alive:
        return ""
    return f"{status.id} is {status.state}: stop it first (`specdet stop {status.id}`), then remove it"


def move_to_trash(directory: Path) -> Path:
    """Move a run to the trash; gives where it lies there.

    Raises:
        SpecError: For a run that is alive.
        OSError: Where its folder cannot be written to.
    """
    if why := refusal(directory):
        raise SpecError.one(why)
    try:
        lock = RunLock(directory)  # nobody begins to train in it meanwhile
    except ValueError as error:
        raise SpecError.one(str(error)) from error
    try:
        trash = directory.parent / TRASH
        trash.mkdir(exist_ok=True)
        there = _free(trash / directory.name)
        os.rename(directory, there)
    finally:
        lock.release()
    os.utime(there)  # since when it lies there
    return there


def restore(trashed: Path) -> Path:
    """Put a run back among the others; gives where it lies. Raises SpecError where its place is taken, OSError."""
    directory = trashed.parent.parent / trashed.name
    if directory.exists():
        raise SpecError.one(f"{directory} is there already: move it away first")
    os.rename(trashed, directory)
    return directory


def trashed_runs(root: Path) -> list[tuple[Path, float]]:
    """What lies in the trash of a folder of runs, with the time it was put there, s since 1970; the oldest first."""
    try:
        found = [(Path(entry.path), entry.stat().st_mtime) for entry in os.scandir(root / TRASH) if entry.is_dir()]
    except FileNotFoundError:
        return []
    return sorted(found, key=lambda each: each[1])


def old_trash(root: Path, *, days: float, now: float | None = None) -> list[Path]:
    """What has lain in the trash for longer than so many days."""
    now = time.time() if now is None else now
    return [path for path, since in trashed_runs(root) if now - since > days * 86400]


def delete(trashed: Path) -> None:
    """Delete what lies in the trash for good. Raises OSError."""
    assert trashed.parent.name == TRASH, trashed
    shutil.rmtree(trashed)


def _free(path: Path) -> Path:
    """`path`, or a name like it that is not taken: a run may have been removed, put back and copied."""
    candidate, number = path, 1
    while candidate.exists():
        number += 1
        candidate = path.with_name(f"{path.name}.{number}")
    return candidate
