"""run.lock: a run has one owner at a time, the supervisor or, without one, the training itself."""

import os
import struct
import sys
from pathlib import Path

LOCK = "run.lock"


class FileLock:
    """A lock on a file, held from its making until `release` or the end of the process, however that comes.

    POSIX record locks: they go at once with their holder, are not inherited by its children, and are dropped when the
    holder closes any other descriptor of the same file, so nobody else in the process may open it.

    Args:
        path: The file; made where it is missing.
        shared: Whether others may hold it as well, as long as all of them share.

    Raises:
        BlockingIOError: Where another process holds it.
    """

    def __init__(self, path: Path, *, shared: bool = False):
        self._file = path.open("a+")
        try:
            import fcntl
        except ImportError:  # Windows edits and checks specs, it has no POSIX locks
            return
        try:
            fcntl.lockf(self._file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise BlockingIOError(f"{path} is held by another process") from error

    def release(self) -> None:
        """Let others have it."""
        self._file.close()


class RunLock(FileLock):
    """Owning a run.

    Args:
        directory: The run directory.

    Raises:
        ValueError: Where another process owns the run.
    """

    def __init__(self, directory: Path):
        try:
            super().__init__(directory / LOCK)
        except BlockingIOError as error:
            raise ValueError(
                f"{directory} is being trained by another process: wait for it, or stop it first"
            ) from error


def holder_of(path: Path) -> int | None:
    """The process that holds a lock on `path`, or None. It is asked for, not tried: asking takes nothing from anyone.

    A lock of this very process is not seen. Where the holder is in another container its number says nothing.
    """
    try:
        import fcntl

        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (ImportError, OSError):  # no locks here, or no such file: nobody holds it
        return None
    try:
        if sys.platform == "darwin":  # struct flock there: start, length, process, kind, from where
            answer = fcntl.fcntl(descriptor, fcntl.F_GETLK, struct.pack("qqihh", 0, 0, 0, fcntl.F_WRLCK, os.SEEK_SET))
            _, _, pid, kind, _ = struct.unpack("qqihh", answer)
        else:
            answer = fcntl.fcntl(descriptor, fcntl.F_GETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
            kind, _, _, _, pid = struct.unpack("hhqqi4x", answer)
    except OSError:  # a file system without locks, or no regular file
        return None
    finally:
        os.close(descriptor)
    return pid if kind != fcntl.F_UNLCK else None


def is_owned(directory: Path) -> bool:
    """Whether some other process owns the run."""
    return holder_of(directory / LOCK) is not None
