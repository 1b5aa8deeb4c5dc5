"""Being asked to stop: SIGTERM, and the first Ctrl-C, end a run at the next step, with a checkpoint."""

import os
import signal
import threading
import time
from types import FrameType
from typing import Any

EXIT_CODES = {"SIGTERM": 75, "SIGINT": 130}  # 75 is EX_TEMPFAIL: a scheduler may queue the run again
FORWARDED_WITHIN = 1.0  # s: launchers pass on a Ctrl-C that the terminal has already sent to every process


def exit_code(stop_reason: str | None) -> int:
    """The exit code of a run that ended for `stop_reason`: 0 unless a signal ended it."""
    return EXIT_CODES.get(stop_reason or "", 0)


class StopSignals:
    """Catches SIGTERM and SIGINT while it is entered, and only remembers them.

    A second Ctrl-C more than a second after the first ends the process at once. Outside of the main thread, where
    Python allows no handlers, nothing is caught.

    Attributes:
        reason: "SIGTERM" or "SIGINT" once one came, else None.
    """

    def __init__(self) -> None:
        self._process = os.getpid()
        self._first = 0.0
        self._before: dict[signal.Signals, Any] = {}
        self.reason: str | None = None

    def __enter__(self) -> "StopSignals":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        if os.getpid() != self._process:  # a data worker, forked while we were entered
            if number == signal.SIGTERM:
                os._exit(128 + number)
            return
        now = time.monotonic()
        if self.reason is None:
            self.reason, self._first = name, now
        elif number == signal.SIGINT and now - self._first > FORWARDED_WITHIN:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
