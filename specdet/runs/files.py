"""Files that are either whole or absent, whenever the process is killed."""

import errno
import json
import os
import secrets
from pathlib import Path
from typing import Any

DISK_IS_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # or the quota, or what a file may hold


def write_text(path: Path, text: str, *, durable: bool = True) -> None:
    """Replace `path` in one step: a reader sees the old text or the new one, never half of it.

    Args:
        durable: Also survive a power cut, at the price of waiting for the disk; a heartbeat can do without.
    """
    write_bytes(path, text.encode("utf-8"), durable=durable)


def write_bytes(path: Path, content: bytes, *, durable: bool = True) -> None:
    """`write_text` of bytes."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(2)}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        if error.errno is not None:
            error.filename = str(path)  # that of the temporary file, or none, says nothing to anyone
        raise
    if durable:
        sync_folder(path.parent)


def write_json(path: Path, value: Any, *, durable: bool = True) -> None:
    """`write_text` of a JSON value. Raises ValueError for NaN and infinity, which JSON cannot say."""
    write_text(path, json.dumps(value, indent=1, allow_nan=False) + "\n", durable=durable)


def read_json(path: Path) -> Any:
    """The value in a JSON file.

    Raises:
        FileNotFoundError: Where there is none.
        ValueError: Where it holds no JSON; the message names the file.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits; lists in lists without end
        raise ValueError(f"{path} is not a JSON file that can be read: {error}") from error


def sync_file(path: Path) -> None:
    """Wait until the content of `path` is on the disk."""
    _sync(path, os.O_RDONLY)


def sync_folder(path: Path) -> None:
    """Wait until the names in the folder `path` are on the disk; a rename is not, before that."""
    _sync(path, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
