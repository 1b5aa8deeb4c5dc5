"""Retention: of runs that have ended, the checkpoints that nobody needs any more."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs

from specdet.runs.checkpoints import FOLDER, PREFIX, read_checkpoints
from specdet.runs.index import list_runs
from specdet.runs.lock import RunLock
from specdet.runs.trash import old_trash

LEFTOVERS = (".tmp", ".old")
KEEP_LAST = 1
TRASH_DAYS = 30.0


@attrs.frozen(kw_only=True)
class Removal:
    """A folder that can go.

    Attributes:
        run: The run's directory; that of the folder itself for a whole run in the trash.
        why: In a few words.
        size: Bytes.
    """

    path: Path
    run: Path
    why: str
    size: int


def removals(
    root: Path, *, keep_last: int = KEEP_LAST, older_than: float = 0.0, now: float | None = None
) -> list[Removal]:
    """What can go: of each run that has ended all checkpoints but the newest and the best; and old trash.

    Args:
        keep_last: How many of the newest of each run stay, at least one; damaged ones are not counted.
        older_than: Leave runs alone that gave a sign of life in so many days.
        now: s since 1970.
    """
    assert keep_last >= 1, "a run without a checkpoint cannot be resumed"
    now = time.time() if now is None else now
    found: list[Removal] = []
    for status in list_runs(root, now=now):
        if status.settled and now - max(status.updated, status.created) >= older_than * 86400:
            found += _of_run(root / status.id, keep_last=keep_last)
    for path in old_trash(root, days=TRASH_DAYS, now=now):
        found.append(Removal(path=path, run=path, why=f"in the trash for over {TRASH_DAYS:.0f} days", size=size(path)))
    return found


def remove(found: list[Removal], *, report: Callable[[str], None]) -> int:
    """Remove them and give the bytes that this frees.

    Args:
        report: Called with a sentence for each that could not be removed.
    """
    freed = 0
    for removal in found:
        try:
            _remove(removal)
        except (OSError, ValueError) as error:
            report(f"{removal.path} stays: {error}")
        else:
            freed += removal.size
    return freed


def size(folder: Path) -> int:
    """Bytes of all files in a folder."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(path, name)).st_size
            except FileNotFoundError:  # gone meanwhile
                continue
    return total


def _of_run(directory: Path, *, keep_last: int) -> Iterator[Removal]:
    folder = directory / FOLDER
    try:
        entries = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False))
    except OSError:  # no checkpoints, or none that we may see
        return
    for name in entries:
        if name.startswith(f".{PREFIX}") and name.endswith(LEFTOVERS):
            yield Removal(path=folder / name, run=directory, why="left by a killed process", size=size(folder / name))
    known = read_checkpoints(directory)
    if known.best_problem:  # which one is the best is not known any more
        return
    by_age = [each for each in reversed(known.found) if each.serial]
    whole = [each for each in by_age if each.is_whole]
    kept = {known.best, *(each.path.name for each in (*by_age[:keep_last], *whole[:keep_last]))}
    for each in reversed(by_age):
        if each.path.name not in kept:
            yield Removal(path=each.path, run=directory, why="neither new nor best", size=size(each.path))


def _remove(removal: Removal) -> None:
    if removal.path == removal.run:
        shutil.rmtree(removal.path)
        return
    lock = RunLock(removal.run)  # nobody resumes from it meanwhile
    try:
        # A reader that comes while files vanish must not take the rest for a checkpoint.
        hidden = removal.path
        if not hidden.name.startswith("."):
            hidden = hidden.with_name(f".{hidden.name}{LEFTOVERS[1]}")
            shutil.rmtree(hidden, ignore_errors=True)
            os.replace(removal.path, hidden)
        shutil.rmtree(hidden)
    finally:
        lock.release()
