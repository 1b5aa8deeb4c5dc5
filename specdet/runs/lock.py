"""run.lock: one training at a time in a run directory."""

from pathlib import Path

LOCK = "run.lock"


class RunLock:
    """Held from its making until `release` or the end of the process, however that comes.

    Args:
        directory: The run directory.

    Raises:
        ValueError: Where another process holds it.
    """

    def __init__(self, directory: Path):
        self._file = (directory / LOCK).open("a")
        try:
            import fcntl
        except ImportError:  # Windows edits and checks specs, it has no POSIX locks
            return
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise ValueError(
                f"{directory} is being trained by another process: wait for it, or stop it first"
            ) from error

    def release(self) -> None:
        """Let others train here."""
        self._file.close()
