"""Saving a spec file: the old text or the new one, never half of one, and never over what was written meanwhile."""

import hashlib
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from specdet.spec.problems import SpecError

EXISTS = "exists already: it is not overwritten"


def digest(content: bytes) -> str:
    """What tells whether a file is still the one that was read."""
    return hashlib.sha256(content).hexdigest()


def save(path: Path, content: bytes, *, over: str | None) -> None:
    """Write a file in one step; a link stays a link, and the file keeps its mode and owner.

    Args:
        path: Where to.
        content: What to.
        over: The digest of what the file must hold; None for a file that must not exist yet.

    Raises:
        SpecError: If it holds something else by now, or cannot be written; then it is as it was.
    """
    target = Path(os.path.realpath(path))
    if over is None and os.path.lexists(path):
        raise SpecError.one(EXISTS)
    temporary = target.with_name(f".specdet-{secrets.token_hex(8)}.tmp")
    try:
        _check(target, over)
        _write(temporary, content, like=target if over is not None else None)
        _check(target, over)  # again: writing took its time
        _publish(temporary, target, new=over is None)
    except FileExistsError:
        raise SpecError.one(EXISTS) from None
    except OSError as error:
        if not target.parent.is_dir():
            raise SpecError.one(f"the folder {target.parent} does not exist") from None
        raise SpecError.one(f"cannot be saved in {target.parent}: {error.strerror}") from None
    finally:
        if os.path.lexists(temporary):
            temporary.unlink()
    with suppress(OSError):  # the new text is in its place; only a power cut could bring the old one back
        _sync_folder(target.parent)


def _check(target: Path, over: str | None) -> None:
    """Whether the file is the one that is to be replaced."""
    if over is None:
        return
    try:
        same = digest(target.read_bytes()) == over
    except FileNotFoundError:
        raise SpecError.one("was deleted meanwhile: save it under another name") from None
    if not same:
        raise SpecError.one("was changed meanwhile: reload it")
    if not os.access(target, os.W_OK):
        raise SpecError.one("is read-only: it is not changed")


def _write(temporary: Path, content: bytes, *, like: Path | None) -> None:
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    with os.fdopen(descriptor, "wb") as file:
        if like is not None:
            facts = like.stat()
            if hasattr(os, "fchown"):
                with suppress(PermissionError):  # of a file in a shared folder: only its content is ours
                    os.fchown(file.fileno(), facts.st_uid, facts.st_gid)
            os.chmod(temporary, stat.S_IMODE(facts.st_mode))
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _publish(temporary: Path, target: Path, *, new: bool) -> None:
    if not new:
        os.replace(temporary, target)
        return
    try:
        os.link(temporary, target)  # unlike a rename, this fails where a file has appeared
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if os.path.lexists(target):
            raise FileExistsError(target) from None
        os.rename(temporary, target)


def _sync_folder(folder: Path) -> None:
    """Wait until the name is on the disk; Windows has no way to."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
