"""What a result depends on besides its spec: code, packages, machine, annotations."""

import hashlib
import os
import platform
import subprocess
import threading
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("specdet", "torch", "torchvision", "accelerate", "numpy", "attrs", "cattrs", "safetensors")
# Variables that change what is computed, or where; by their beginnings.
VARIABLES = ("ACCELERATE_", "CUDA_", "CUBLAS_", "CUDNN_", "MKL_", "NCCL_", "OMP_", "PYTORCH_", "SLURM_JOB_", "SPECDET_",
             "TORCH", "XDG_CACHE_HOME")  # fmt: skip
LARGEST_PATCH = 1 << 20  # bytes; more than that are no edits, but data
PATIENCE = 10.0  # s for git


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
    """This machine, as far as it can be told without torch; `memory` is in bytes, that of GPUs in MiB."""
    import psutil

    return {
        "name": platform.node(), "system": platform.platform(), "cpu": cpu_model(), "cores": cores(),
        "memory": psutil.virtual_memory().total, "gpus": _gpus(),
    }  # fmt: skip


def cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu_model() -> str:
    """What the processor calls itself; empty where it does not say."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


def environment(variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """Those of the environment's variables that change what is computed."""
    variables = os.environ if variables is None else variables
    return {name: value for name, value in sorted(variables.items()) if name.startswith(VARIABLES)}


def git_state(folder: Path) -> dict[str, Any] | None:
    """Commit of the repository around `folder` and whether files differ from it; None outside of one or without git."""
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return None
    status = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return {"commit": commit.strip(), "dirty": bool(status)}


def git_patch(folder: Path) -> str | None:
    """How the files of the repository around `folder` differ from its commit; None where that is more than edits."""
    # Neither colors nor programs of the user's settings: the patch shall fit wherever it is applied.
    return _git(folder, "diff", "--binary", "--no-color", "--no-ext-diff", "--no-textconv", "HEAD")


def hash_files(paths: Iterable[str | Path]) -> dict[str, dict[str, Any]]:
    """Size and SHA-256 of files, or why they could not be read, by path."""
    found: dict[str, dict[str, Any]] = {}
    for path in map(Path, paths):
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                found[str(path)] = {"size": file.tell(), "sha256": digest}
        except OSError as error:
            found[str(path)] = {"problem": error.strerror or str(error)}
    return found


def _gpus() -> list[dict[str, Any]]:
    import attrs

    from specdet.runs.devices import gpus

    try:
        return [attrs.asdict(gpu) for gpu in gpus()]
    except (ValueError, OSError) as error:  # a driver that hangs is no reason to lose the rest
        return [{"problem": str(error)}]


def _git(folder: Path, *arguments: str) -> str | None:
    """What git says, if it is there, has something to say, and says it in time and in `LARGEST_PATCH`."""
    try:
        process = subprocess.Popen(
            ["git", "-c", "core.fsmonitor=false", *arguments],
            cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    except OSError:  # no git here
        return None
    clock = threading.Timer(PATIENCE, process.kill)
    clock.daemon = True
    clock.start()
    with process:
        assert process.stdout is not None
        said = process.stdout.read(LARGEST_PATCH + 1)
        if len(said) > LARGEST_PATCH:
            process.kill()
    clock.cancel()
    fits = process.returncode == 0 and len(said) <= LARGEST_PATCH
    return said.decode(errors="replace") if fits else None
