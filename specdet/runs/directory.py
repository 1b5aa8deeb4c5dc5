"""Run directories: one folder a run, with a name that sorts by time and that no other run has."""

import os
import re
import secrets
from datetime import datetime
from pathlib import Path

ROOT_VARIABLE = "SPECDET_RUNS"


def runs_root() -> Path:
    """Where run directories lie: `$SPECDET_RUNS`, else `./runs`."""
    return Path(os.environ.get(ROOT_VARIABLE) or "runs").absolute()


def slug(name: str) -> str:
    """`name` as part of a file name: lower case letters, digits and single dashes, at most 40 characters."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower())[:40].strip("-") or "run"


def make_run_directory(name: str, *, root: Path | None = None, now: datetime | None = None) -> Path:
    """A new run directory `YYYYMMDD-HHMMSS-<slug>-<4 hex digits>`; its last part is the run's id.

    Args:
        name: What the run is called; any text.
        root: The folder of all runs, `runs_root()` unless given; made where it is missing.
        now: Local time of the start.
    """
    root = root or runs_root()
    root.mkdir(parents=True, exist_ok=True)
    stamp = (now or datetime.now()).strftime("%Y%m%d-%H%M%S")
    while True:
        path = root / f"{stamp}-{slug(name)}-{secrets.token_hex(2)}"
        try:
            path.mkdir()  # making the folder is what claims the name
        except FileExistsError:
            continue
        return path


def run_of(path: Path) -> Path | None:
    """The run directory of `path`, a run or one of its checkpoints; None for a checkpoint outside of runs."""
    return next((folder for folder in (path, *path.parents) if (folder / "meta.json").is_file()), None)
