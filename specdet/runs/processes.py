"""The processes of a run, as its supervisor finds and ends them: launchers start each rank in a session of its own."""

import os
import signal
import sys
import time
from pathlib import Path

from specdet.runs.identity import RUN_DIRECTORY, Identity, processes_of

PATIENCE = 10.0  # s; a killed process that is still there then hangs in the kernel
PR_SET_CHILD_SUBREAPER = 36


def become_subreaper() -> None:
    """Inherit the processes that our children leave behind, so that none gets out of sight. Linux only."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap() -> None:
    """Take leave of inherited processes that have ended. Only once no child is waited for in another way."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return


def ranks_of(launcher: Identity) -> list[Identity]:
    """The processes that train: the launcher's own children. Their data workers are not among them."""
    import psutil

    if not launcher.is_alive:
        return []
    try:
        children = {child.pid for child in psutil.Process(launcher.pid).children()}
    except psutil.Error:  # it ended just now
        return []
    return [each for pid in children if (each := Identity.of(pid)) is not None]


def rest_of(run_id: str, directory: Path) -> list[Identity]:
    """Every process of a run but this one: what has descended from it, and what carries its mark."""
    import psutil

    found: dict[int, Identity] = {}
    for process in psutil.Process().children(recursive=True):
        if (identity := Identity.of(process.pid)) is not None:
            found[identity.pid] = identity
    found |= {identity.pid: identity for identity in marked(run_id, directory)}
    found.pop(os.getpid(), None)
    return list(found.values())


def marked(run_id: str, directory: Path) -> list[Identity]:
    """Every process that carries the mark of a run in this directory, and not of a copy of it under the same name."""
    return [identity for identity in processes_of(run_id) if _is_in(identity.pid, directory)]


def end_all(run_id: str, directory: Path) -> list[Identity]:
    """Kill every process of a run but this one; gives those that are still there after `PATIENCE`."""
    deadline = time.monotonic() + PATIENCE
    while rest := rest_of(run_id, directory):
        for identity in rest:
            identity.signal(signal.SIGKILL)
        if time.monotonic() > deadline:
            return rest
        time.sleep(0.02)
    return []


def _is_in(pid: int, directory: Path) -> bool:
    import psutil

    try:
        return psutil.Process(pid).environ().get(RUN_DIRECTORY) == str(directory)
    except (psutil.Error, OSError):
        return False
