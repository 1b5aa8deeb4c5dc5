"""Memory of this machine, and of this process: what is available, what is held, and a limit to that; for Linux."""

from pathlib import Path
from typing import Literal

import psutil

CGROUP = Path("/sys/fs/cgroup")
# Bytes that a process may ask for beyond what it may use: for each of those, and for its threads and libraries.
SHARE_BEYOND, BEYOND = 0.5, 500_000_000
STATUS = Path("/proc/self/status")


def available_memory() -> int:
    """Bytes that can be taken without swapping, in the control group of a container too."""
    return min([psutil.virtual_memory().available, *_room_of_group()])


def held(what: Literal["VmRSS", "VmHWM", "VmData"]) -> int:
    """Bytes in memory now, at most until now, or that were asked for and are this process's alone."""
    lines = (line.split() for line in STATUS.read_text().splitlines())
    return next(int(words[1]) * 1024 for words in lines if words[0] == f"{what}:")


def limit_memory(most: int) -> None:
    """Refuse this process what would take it far beyond `most` bytes in memory: MemoryError, or torch's own error.

    Who watches it has to end it where it takes more: the system counts what was asked for, which is more than what is
    used, and libraries crash where a little is refused.
    """
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = held("VmData") + int((1 + SHARE_BEYOND) * max(0, most - held("VmRSS"))) + BEYOND
    resource.setrlimit(resource.RLIMIT_DATA, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


def _room_of_group() -> list[int]:
    """What the control group of this process has left, where it has a limit."""
    here = [CGROUP / "memory.max", CGROUP / "memory.current"]
    if not all(file.is_file() for file in here):
        return []
    most, current = (file.read_text().strip() for file in here)
    return [] if most == "max" else [max(0, int(most) - int(current))]
