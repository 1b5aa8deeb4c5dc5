"""What the owner of a run writes of it, also where the disk is full or the directory was moved away."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from specdet.runs.files import write_text
from specdet.runs.state import RunProcess, RunState, write_process, write_state

RESERVE = ".reserve"
RESERVED = 1 << 16  # bytes; a state takes two or three blocks
FULL_BELOW = 1 << 20  # bytes
LAST_TRIES, BETWEEN_TRIES = 10, 0.2  # and s: what is not written then never will be


class Record:
    """The owner's files of a run.

    A write that fails is told in the log and tried again at the next `retry`: what a run says must not end it. So that
    its last word finds room on a full disk, some is kept from the start.

    Args:
        directory: The run directory. Raises OSError where it cannot be written to.
    """

    def __init__(self, directory: Path):
        self._directory = directory
        self._folder = os.open(directory, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
        self._unwritten: dict[str, Callable[[Path], None]] = {}
        self._said: RunState | None = None
        write_text(directory / RESERVE, "\n" * RESERVED)

    @property
    def place(self) -> Path | None:
        """Where the directory lies now; None where it was deleted, or where the system does not tell."""
        if not self.was_moved:
            return self._directory
        try:
            found = Path(os.readlink(f"/proc/self/fd/{self._folder}"))
        except OSError:
            return None
        return found if found.is_dir() else None

    @property
    def was_moved(self) -> bool:
        """Whether something else, or nothing, lies where the directory was."""
        try:
            return not os.path.samestat(os.stat(self._directory), os.fstat(self._folder))
        except OSError:
            return True

    @property
    def is_full(self) -> bool:
        """Whether the disk has no room to speak of."""
        try:
            found = os.fstatvfs(self._folder)
        except OSError:
            return False
        return found.f_bavail * found.f_frsize < FULL_BELOW + RESERVED

    def say(self, state: RunState) -> None:
        """Where the run stands; the same again is not written."""
        if state != self._said:
            self._said = state
            self.log(f"{state.state} {state.reason} {state.message}".rstrip())
            self._write("state", lambda place: write_state(place, state))

    def tell(self, process: RunProcess) -> None:
        """Who owns the run, and with what."""
        self._write("process", lambda place: write_process(place, process))

    def retry(self) -> None:
        """Write what could not be written before."""
        for name, write in list(self._unwritten.items()):
            self._write(name, write, again=True)

    def close(self) -> None:
        """Give the reserved room back; what is still unwritten is written into it."""
        place = self.place
        if place is not None:
            try:
                (place / RESERVE).unlink(missing_ok=True)
            except OSError as error:
                self.log(f"{error}")
        tries = 0
        while self._unwritten and tries < LAST_TRIES and self.place is not None:
            tries += 1
            self.retry()
            time.sleep(BETWEEN_TRIES if self._unwritten else 0.0)
        os.close(self._folder)

    def log(self, message: str) -> None:
        """A line in supervisor.log, where our standard error goes."""
        try:
            print(time.strftime("%Y-%m-%d %H:%M:%S"), message, file=sys.stderr, flush=True)
        except OSError:  # the disk is full: there is nowhere to say so
            return

    def _write(self, name: str, write: Callable[[Path], None], *, again: bool = False) -> None:
        place = self.place
        try:
            if place is None:
                raise FileNotFoundError("the run directory is gone")
            write(place)
        except OSError as error:
            if not again:
                self.log(f"the {name} of the run cannot be written ({error}); it is tried again")
            self._unwritten[name] = write
        else:
            self._unwritten.pop(name, None)
