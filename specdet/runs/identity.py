"""Which process is meant: numbers of processes are used again, so a process is known by when it started as well."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import attrs

# In the environment of every process of a run.
RUN_ID, RUN_DIRECTORY, ATTEMPT = "SPECDET_RUN_ID", "SPECDET_RUN_DIR", "SPECDET_ATTEMPT"


@attrs.frozen(kw_only=True)
class Identity:
    """A process, on a machine, since a time.

    Attributes:
        boot: Of this start of the machine; another one has other processes.
        start: When it started, in ticks of the system's clock (field 22 of /proc/PID/stat), elsewhere in ms since 1970.
    """

    host: str
    boot: str
    pid: int
    start: int

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """The process that has this number now, or None."""
        start = _start(pid)
        return None if start is None else cls(host=os.uname().nodename, boot=boot_id(), pid=pid, start=start)

    @classmethod
    def own(cls) -> Self:
        """This process."""
        found = cls.of(os.getpid())
        assert found is not None, "this process is there"
        return found

    @classmethod
    def read(cls, table: Any) -> Self | None:
        """What `attrs.asdict` wrote; None for anything else."""
        try:
            return cls(
                host=str(table["host"]), boot=str(table["boot"]), pid=int(table["pid"]), start=int(table["start"])
            )
        except (KeyError, TypeError, ValueError):
            return None

    @property
    def is_alive(self) -> bool:
        """Whether this very process still runs, here; one that has ended and waits to be reaped does not."""
        return self.host == os.uname().nodename and self.boot == boot_id() and _start(self.pid) == self.start

    def signal(self, number: signal.Signals) -> bool:
        """Send a signal to this very process and no other; gives whether it was there."""
        if not hasattr(os, "pidfd_open"):
            if self.is_alive:
                os.kill(self.pid, number)
                return True
            return False
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return False
        try:
            if not self.is_alive:  # asked after the descriptor was taken, which holds on to the process
                return False
            signal.pidfd_send_signal(descriptor, number)
            return True
        except ProcessLookupError:
            return False
        finally:
            os.close(descriptor)


def boot_id() -> str:
    """A name for this start of the machine; empty where the system gives none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def processes_of(run_id: str) -> Iterator[Identity]:
    """Every process of a run on this machine: those with its id in their environment."""
    import psutil

    for process in psutil.process_iter():
        try:
            marked = process.environ().get(RUN_ID) == run_id
        except (psutil.Error, OSError):  # another user's, or gone
            continue
        found = Identity.of(process.pid) if marked else None
        if found is not None:
            yield found


def _start(pid: int) -> int | None:
    """When a process started; None for one that has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return _start_without_proc(pid) if not Path("/proc/self/stat").exists() else None
    except OSError:  # ended between the two calls
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def _start_without_proc(pid: int) -> int | None:
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else int(process.create_time() * 1000)
    except psutil.Error:
        return None
