"""Before anything of a run directory is read: no file of it may be a link that leads elsewhere."""

from pathlib import Path

from app.security.roots import Outside, file_of
from specdet.runs.checkpoints import FOLDER as CHECKPOINTS
from specdet.runs.control import FOLDER as CONTROL
from specdet.runs.end import END
from specdet.runs.heartbeat import PROGRESS
from specdet.runs.launch_command import SPEC
from specdet.runs.lock import LOCK
from specdet.runs.meta import NAME as META
from specdet.runs.meta import PATCH
from specdet.runs.state import PROC, STATE
from specdet.runs.submit import LOG as SUPERVISOR_LOG
from specdet.runs.submit import SOURCE
from specdet.runs.tail import EVENTS, LOG
from specdet.runs.user import USER

# What the app reads, or writes, by these names.
FILES = (META, STATE, PROC, END, PROGRESS, USER, LOCK, SPEC, SOURCE, PATCH, EVENTS, LOG, SUPERVISOR_LOG,
         CHECKPOINTS, f"{CHECKPOINTS}/best.json", CONTROL, f"{CONTROL}/new", f"{CONTROL}/done")  # fmt: skip


def refuse_links(directory: Path) -> None:
    """Raise Outside, naming the file, where a file of a run leads out of its directory, or the directory is gone."""
    if not directory.is_dir():
        raise Outside(f"{directory.name} is not there any more: it was moved or deleted")
    for name in FILES:
        if (directory / name).is_symlink() or "/" in name:
            file_of(directory, name)
