"""Starting a run: its directory, and a supervisor that outlives whoever asked for it."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Literal

import attrs

from specdet.runs.directory import make_run_directory
from specdet.runs.files import read_json, write_text
from specdet.runs.launch_command import FOREIGN, SPEC, LaunchOptions, run_variables
from specdet.runs.lock import is_owned
from specdet.runs.meta import NAME, update_meta, write_meta
from specdet.runs.processes import marked
from specdet.runs.state import read_state
from specdet.runs.supervisor import READY
from specdet.spec import Problem, SpecError

SUPERVISOR = (sys.executable, "-m", "specdet.runs.supervisor")
SOURCE = "spec.source.toml"
LOG = "supervisor.log"
PATIENCE = 2.0  # s; a supervisor that has said how its run ended is gone in a moment


@attrs.frozen(kw_only=True)
class Draft:
    """What is to be trained: a spec that was checked.

    Attributes:
        spec: The resolved spec.
        source: The text that it was written as.
        annotations: Files that say what is on the images, whose hashes are kept.
    """

    name: str
    seed: int
    spec: str
    source: str
    annotations: tuple[Path, ...] = ()


def submit(
    draft: Draft,
    options: LaunchOptions,
    *,
    root: Path | None = None,
    via: Literal["cli", "gui", "sweep"] = "cli",
    parent: str = "",
) -> Path:
    """Start a run; gives its directory once a supervisor owns it. From then on it depends on no other process.

    Args:
        root: The folder of all runs, `runs_root()` unless given.
        via: Who starts it.
        parent: The id of the run that this one repeats.

    Raises:
        SpecError: Where the supervisor does not start, with its reason.
        OSError: Where the directory cannot be made or written; nothing of it is left then.
    """
    directory = make_run_directory(draft.name, root=root)
    try:
        write_text(directory / SPEC, draft.spec)
        write_text(directory / SOURCE, draft.source)
        write_meta(
            directory, name=draft.name, seed=draft.seed, via=via, parent=parent, launch=options.to_table(),
            annotations=draft.annotations,
        )  # fmt: skip
        _start_supervisor(directory)
    except OSError:
        shutil.rmtree(directory, ignore_errors=True)
        raise
    return directory


def resubmit(directory: Path, options: LaunchOptions) -> None:
    """Start the next attempt of a run that has ended.

    Raises:
        SpecError: Where the run has not ended, or the supervisor does not start.
        OSError: Where the directory cannot be written to.
    """
    state = read_state(directory)
    deadline = time.monotonic() + (PATIENCE if state is None or state.has_ended else 0.0)
    while (owned := is_owned(directory)) or (left := marked(directory.name, directory)):
        if time.monotonic() < deadline:
            time.sleep(0.05)
        elif owned:
            raise _refused(f"{directory.name} is being trained: `specdet stop` it first")
        else:
            pids = ", ".join(str(process.pid) for process in left)
            raise _refused(f"{directory.name} is still ending, its processes are there ({pids}): wait for them")
    update_meta(directory, launch=options.to_table())
    _start_supervisor(directory)


def launched(directory: Path) -> LaunchOptions | None:
    """How a run was launched last; None for one that was started without a supervisor."""
    try:
        return LaunchOptions.read(read_json(directory / NAME)["launch"])
    except (OSError, KeyError, TypeError, ValueError):
        return None


def _start_supervisor(directory: Path) -> None:
    """Returns once it owns the run. It starts itself anew in a process that nobody waits for, see `supervisor.main`."""
    environment = {name: value for name, value in os.environ.items() if not FOREIGN.fullmatch(name)}
    with (directory / LOG).open("ab") as log:
        start = log.seek(0, os.SEEK_END)
        started = subprocess.run(
            [*SUPERVISOR, str(directory)], env={**environment, **run_variables(directory)}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=log, start_new_session=True, check=False,
        )  # fmt: skip
    if READY not in started.stdout.decode(errors="replace").split():
        with (directory / LOG).open("rb") as log:
            log.seek(start)
            said = log.read().decode(errors="replace").strip()
        reason = said.splitlines()[-1] if said else "it says nothing"
        raise _refused(f"the supervisor of {directory.name} did not start: {reason}")


def _refused(message: str) -> SpecError:
    return SpecError([Problem(path="", message=message, kind="environment")])
