"""Checkpoint folders: whole or absent, whenever the process is killed.

    checkpoints/iter_00000500/
      accelerate/        what Accelerator.save_state writes: weights, optimizer, scaler, random states of each rank
      progress.json      position in the data and the workflow, metrics
      hooks.json         state of the hooks, by name
      ema.safetensors    averaged weights, where a hook keeps some
      env.json           versions, world size, threads, precision
      spec.toml          the resolved spec, where the run has one
      classes.json       the names of the classes in the order of their labels, where they are known
      manifest.json      size and SHA-256 of each file, and of itself; written last

A folder is written under a hidden name, forced to the disk, and renamed. What has no manifest, or does not agree with
it, is not a checkpoint. Nothing of ours is pickled; what Accelerate pickles is plain numbers, read with weights_only.
"""

import errno
import hashlib
import json
import math
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from accelerate import Accelerator
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from specdet.runs.exchange import exchange
from specdet.runs.files import DISK_IS_FULL, read_json, sync_file, sync_folder

VERSION = 2  # 1 had no sum of the manifest itself, and is still read
FOLDER = "checkpoints"
PREFIX = "iter_"
ACCELERATE = "accelerate"
MANIFEST = "manifest.json"
TEMPORARY, REPLACED = ".tmp", ".old"


def checkpoint_name(iter: int) -> str:
    """The folder's name for a number of completed optimizer steps; names sort like numbers."""
    return f"{PREFIX}{iter:08d}"


def write_checkpoint(
    folder: Path,
    iter: int,
    *,
    accelerator: Accelerator,
    documents: Mapping[str, str],
    tensors: Mapping[str, Mapping[str, Tensor]],
) -> Path:
    """Write one checkpoint, on all ranks together, and give its folder.

    Args:
        folder: The `checkpoints` folder of the run.
        iter: Optimizer steps completed.
        documents: Texts by file name.
        tensors: Tensors by name, by safetensors file name.
    """
    final = folder / checkpoint_name(iter)
    temporary = folder / f".{final.name}{TEMPORARY}"
    if accelerator.is_main_process:
        with _disk_trouble(temporary):
            shutil.rmtree(temporary, ignore_errors=True)
            folder.mkdir(exist_ok=True)  # not its parents: a run directory that was moved away must not come back empty
            temporary.mkdir()
            (temporary / ACCELERATE).mkdir()
    accelerator.wait_for_everyone()
    with _disk_trouble(temporary):
        accelerator.save_state(str(temporary / ACCELERATE))
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        with _disk_trouble(temporary):
            for name, text in documents.items():
                (temporary / name).write_text(text, encoding="utf-8")
            for name, table in tensors.items():
                save_file({key: value.contiguous() for key, value in table.items()}, temporary / name)
            serial = 1 + max((_serial(each) or 0 for each in list_checkpoints(folder)), default=0)
            write_manifest(temporary, serial=serial)
            _rename(temporary, final)
    accelerator.wait_for_everyone()
    return final


def list_checkpoints(folder: Path) -> list[Path]:
    """The checkpoints of a `checkpoints` folder, the one written first first; those without a manifest do not count.

    The order is that of writing, not of steps: a run that went back to an earlier checkpoint goes on from its new ones.
    Those whose manifest cannot be read come last, so that whoever looks for the newest finds out.
    """
    found = [path.parent for path in folder.glob(f"{PREFIX}*/{MANIFEST}")]
    return sorted(found, key=lambda path: math.inf if (serial := _serial(path)) is None else serial)


def manifest_problem(path: Path) -> str:
    """What is wrong with the checkpoint folder `path`, or an empty string. Reads every byte of it."""
    manifest = path / MANIFEST
    if not manifest.is_file():
        return f"it has no {MANIFEST}, so it was never finished"
    try:
        for name, known in _read_manifest(path)["files"].items():
            file = path / name
            if not file.is_file():
                return f"{name} is missing"
            if file.stat().st_size != known["size"]:
                return f"{name} has {file.stat().st_size} bytes, not {known['size']}"
            if _sha256(file) != known["sha256"]:
                return f"{name} has changed since it was written"
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return f"{MANIFEST} cannot be read: {error!r}"
    except OSError as error:  # a disk that fails, or a name that no file can have
        return f"{str(error.filename or path)[:200]} cannot be read: {error.strerror}"
    return ""


def find_checkpoint(path: Path, *, reject: Callable[[str], None]) -> Path:
    """The checkpoint that `path` means: itself, or the last whole one of the run folder `path`.

    Args:
        path: A checkpoint, a run folder or its `checkpoints` folder.
        reject: Called with a sentence for each checkpoint of a run that is passed over because it is damaged.

    Raises:
        FileNotFoundError: Where there is no checkpoint.
        ValueError: Where `path` is one, but damaged.
    """
    if not path.is_dir():
        raise FileNotFoundError(
            f"{path} is no folder: give a checkpoint (a folder {PREFIX}...) or a run with checkpoints"
        )
    if path.name.startswith(PREFIX) or (path / MANIFEST).exists():
        problem = manifest_problem(path)
        if problem:
            raise ValueError(f"{path} is not a whole checkpoint: {problem}; give another one, or the run's folder")
        return path
    folder = path / FOLDER if (path / FOLDER).is_dir() else path
    for candidate in reversed(list_checkpoints(folder)):
        problem = manifest_problem(candidate)
        if not problem:
            return candidate
        reject(f"{candidate} is passed over: {problem}")
    raise FileNotFoundError(f"{folder} has no whole checkpoint to resume from")


def remove_leftovers(folder: Path) -> list[Path]:
    """Remove what a killed process left behind in a `checkpoints` folder, and give what was removed."""
    leftovers = [path for ending in (TEMPORARY, REPLACED) for path in folder.glob(f".{PREFIX}*{ending}")]
    for path in leftovers:
        shutil.rmtree(path)
    return leftovers


def prune(folder: Path, *, keep_last: int | Literal["all"], keep: Iterable[Path] = ()) -> list[Path]:
    """Remove all but the newest checkpoints, and give what was removed.

    Args:
        keep_last: How many of the newest stay, at least one.
        keep: What stays besides, however old.
    """
    if keep_last == "all":
        return []
    kept = set(keep)
    known = [path for path in list_checkpoints(folder) if _serial(path) is not None]  # a damaged one is no newest one
    removed = [path for path in known[: -max(1, keep_last)] if path not in kept]
    for path in removed:
        # A reader that comes while files vanish must not take the rest for a checkpoint.
        hidden = folder / f".{path.name}{REPLACED}"
        os.replace(path, hidden)
        shutil.rmtree(hidden)
    return removed


@contextmanager
def _disk_trouble(temporary: Path) -> Iterator[None]:
    """Make room again where the disk is full, and raise OSError, with a path, for what libraries call otherwise."""
    try:
        yield
    except (OSError, RuntimeError, SafetensorError) as error:
        number = error.errno if isinstance(error, OSError) else _errno_told(str(error))
        if number in DISK_IS_FULL:
            shutil.rmtree(temporary, ignore_errors=True)
        if number is None or (isinstance(error, OSError) and error.filename):
            raise
        raise OSError(number, os.strerror(number), str(temporary)) from error


def _errno_told(message: str) -> int | None:
    """The error of the system that a library's message is about; None where it is about no file."""
    if told := re.search(r"os error (\d+)", message):  # safetensors
        return int(told[1])
    if told := re.search(r"strerror: (.+)", message):  # torch, of a file that cannot be made
        return next((number for number in errno.errorcode if os.strerror(number) == told[1].strip()), errno.EIO)
    # torch, of a file that cannot be written: it does not say why
    return errno.ENOSPC if re.search(r"writ|iostream error|unexpected pos", message) else None


def _rename(temporary: Path, final: Path) -> None:
    if not final.exists():
        os.replace(temporary, final)
        sync_folder(final.parent)
        return
    # The same step, on another branch of the run. In one step where that can be: it may be the only checkpoint.
    old = temporary
    if not exchange(temporary, final):
        old = final.with_name(f".{final.name}{REPLACED}")
        shutil.rmtree(old, ignore_errors=True)
        os.replace(final, old)
        os.replace(temporary, final)
    sync_folder(final.parent)
    shutil.rmtree(old)


def write_manifest(folder: Path, *, serial: int) -> None:
    """Make a folder a checkpoint of the files that are in it now; `serial` is larger for one written later."""
    manifest, files = folder / MANIFEST, dict[str, Any]()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path != manifest:
            sync_file(path)
            files[path.relative_to(folder).as_posix()] = {"size": path.stat().st_size, "sha256": _sha256(path)}
    table = {"v": VERSION, "serial": serial, "files": files}
    manifest.write_text(json.dumps({**table, "sha256": _sum_of(table)}, indent=1), encoding="utf-8")
    sync_file(manifest)
    sync_folder(folder / ACCELERATE)
    sync_folder(folder)


def _serial(path: Path) -> int | None:
    """A number that is larger for a checkpoint written later; None where the manifest cannot be read."""
    try:
        return int(_read_manifest(path)["serial"])
    except (ValueError, KeyError, TypeError, AttributeError, OSError):
        return None  # damaged: found out, and said, when it is chosen


def _read_manifest(path: Path) -> dict[str, Any]:
    """The table of a checkpoint's manifest; its serial alone decides which checkpoint is the newest.

    Raises FileNotFoundError, ValueError where it has changed, and what a table of another shape leads to.
    """
    table = read_json(path / MANIFEST)
    known = table.pop("sha256", None)
    if known != _sum_of(table) and (known is not None or table["v"] != 1):
        raise ValueError("it has changed since it was written")
    return table


def _sum_of(table: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(table).encode("utf-8")).hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
