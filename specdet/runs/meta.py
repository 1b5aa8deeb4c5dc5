"""meta.json: where a run came from, so that it can be told apart and made again."""

import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from specdet.runs.files import read_json, write_json

VERSION = 1
NAME = "meta.json"
PACKAGES = ("specdet", "torch", "torchvision", "accelerate", "numpy", "attrs", "cattrs", "safetensors")


def write_meta(
    directory: Path, *, name: str, seed: int, argv: Sequence[str] = tuple(sys.argv), via: str = "cli"
) -> None:
    """Write a run's meta.json.

    Args:
        directory: The run directory.
        name: What the run is called.
        argv: The command that started it.
        via: Who started it: "cli", "gui" or "sweep".
    """
    write_json(directory / NAME, {
        "v": VERSION, "id": directory.name, "name": name, "created": round(time.time(), 3), "via": via,
        "argv": list(argv), "cwd": os.getcwd(), "seed": seed, "host": host(), "git": git_state(Path.cwd()),
        "versions": versions(),
    })  # fmt: skip


def update_meta(directory: Path, **fields: Any) -> None:
    """Add what is only known once the run has started, such as the world size and the order of the hooks."""
    path = directory / NAME
    known = read_json(path) if path.exists() else {"v": VERSION, "id": directory.name}
    write_json(path, {**known, **fields})


def versions() -> dict[str, str]:
    """Versions of Python and of the installed packages that a result depends on, found without importing them."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # a checkout that runs without being installed
            continue
    return found


def host() -> dict[str, Any]:
    """This machine, as far as it can be told without torch."""
    return {"name": platform.node(), "system": platform.platform(), "cores": cores()}


def cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def git_state(folder: Path) -> dict[str, Any] | None:
    """Commit of the repository around `folder` and whether files differ from it; None outside of one or without git."""
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return None
    status = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return {"commit": commit, "dirty": bool(status)}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):  # no git here, or a repository too slow to ask
        return None
    return done.stdout.strip() if done.returncode == 0 else None
