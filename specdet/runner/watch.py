"""Watch: a thread that looks once a second what is asked of a run, also while the main thread is busy elsewhere."""

import os
import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path

from specdet.runner.asks import Asks
from specdet.runner.watchdog import Watchdog
from specdet.runs.control import pending
from specdet.runs.lock import is_owned

PERIOD = 1.0  # s between two looks
LOOKS = 2  # that must find no owner before there is none: one may fail for other reasons
WATCHED = (signal.SIGTERM, signal.SIGINT)


class Watch:
    """Adds to `asks` the commands in a run directory, the loss of the run's owner, and signals as soon as they come.

    Args:
        asks: Where it adds.
        heed: Called in the thread with all that is asked for, whenever that has changed.
        hears_signals: Also notice signals while the main thread waits in a library: Python runs its handlers between
            two steps of that thread. Only where the process is ours, as others may listen in the same way.
    """

    def __init__(self, asks: Asks, *, heed: Callable[[Collection[str]], None], hears_signals: bool = False):
        self._asks, self._heed = asks, heed
        self._commands_of: Path | None = None
        self._owner_of: Path | None = None
        self._known: set[str] = set()
        self._missed = 0
        self._told: Collection[str] = ()
        self._closed = False
        self._watchdog: Watchdog | None = None
        self._ear, self._mouth = socket.socketpair()
        self._ear.setblocking(False)
        self._mouth.setblocking(False)
        self._hears = hears_signals and threading.current_thread() is threading.main_thread()
        if self._hears:
            self._before = signal.set_wakeup_fd(self._mouth.fileno(), warn_on_full_buffer=False)
            # What a fork is sent is none of our business, such as what a pool of workers is ended with.
            os.register_at_fork(after_in_child=self._deafen)
        self._thread = threading.Thread(target=self._run, name="specdet-watch", daemon=True)
        self._thread.start()

    def follow_commands(self, directory: Path) -> None:
        """Look for commands in a run directory from now on; the main rank does."""
        self._commands_of = directory

    def follow_owner(self, directory: Path) -> None:
        """Look from now on whether some other process owns the run. Not in the process that does."""
        self._owner_of = directory

    def follow_training(self, watchdog: Watchdog) -> None:
        """Ask it once a second from now on."""
        self._watchdog = watchdog

    def close(self) -> None:
        """End the thread, unless it is the one that calls."""
        if self._closed:
            return
        self._closed = True
        if self._hears and threading.current_thread() is threading.main_thread():
            signal.set_wakeup_fd(self._before)
        if threading.current_thread() is not self._thread:
            self._mouth.send(b"\0")
            self._thread.join()
            self._ear.close()
            self._mouth.close()

    def _deafen(self) -> None:
        if not self._closed:
            signal.set_wakeup_fd(-1)

    def _run(self) -> None:
        looked = -PERIOD
        while not self._closed:
            if time.monotonic() - looked >= PERIOD:
                looked = time.monotonic()
                self._look()
            asked = self._asks.names
            if asked and asked != self._told:
                self._told = asked
                self._heed(asked)
            select.select([self._ear], [], [], max(0.0, looked + PERIOD - time.monotonic()))
            self._hear()

    def _hear(self) -> None:
        try:
            numbers = self._ear.recv(4096)
        except BlockingIOError:
            return
        for number in numbers:
            if number in WATCHED:
                self._asks.add_signal(signal.Signals(number).name)

    def _look(self) -> None:
        if self._watchdog is not None:
            self._watchdog.look()
        try:
            commands = pending(self._commands_of) if self._commands_of is not None else []
        except OSError:  # a file server that is away for a moment; the next look is in a second
            commands = []
        for command in commands:
            if command.id not in self._known:
                self._known.add(command.id)
                self._asks.add_command(command)
        if self._owner_of is not None:
            self._missed = 0 if is_owned(self._owner_of) else self._missed + 1
            if self._missed == LOOKS:
                self._owner_of = None  # asked for the last time: this process may come to hold the lock
                self._asks.add_orphaned()
