"""Being asked to stop: SIGTERM, and the first Ctrl-C, end a run at the next step, with a checkpoint."""

import os
import signal
import threading
import time
from types import FrameType
from typing import Any

from specdet.runner.asks import Asks

FORWARDED_WITHIN = 1.0  # s: launchers pass on a Ctrl-C that the terminal has already sent to every process


class StopSignals:
    """Catches SIGTERM and SIGINT while it is entered, and only remembers them.

    A second Ctrl-C more than a second after the first ends the process at once. Outside of the main thread, where
    Python allows no handlers, nothing is caught.

    Args:
        asks: Where they are remembered.
    """

    def __init__(self, asks: Asks) -> None:
        self._asks = asks
        self._process = os.getpid()
        self._before: dict[signal.Signals, Any] = {}

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
        if os.getpid() != self._process:  # a data worker, forked while we were entered
            if number == signal.SIGTERM:
                os._exit(128 + number)
            return
        first = self._asks.handled_at
        if first is None:
            self._asks.handled_at = time.monotonic()
            self._asks.add_signal(signal.Signals(number).name)
        elif number == signal.SIGINT and time.monotonic() - first > FORWARDED_WITHIN:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
