"""Reading the events of a run once, as they come: what they measure, and what else happened."""

import time
from collections.abc import Iterator
from pathlib import Path

from specdet.runs.happenings import Happenings
from specdet.runs.metrics import Metrics
from specdet.runs.tail import EVENTS, Event, EventTail

BETWEEN_LOOKS = 200  # events read between two looks at the clock


class EventReader:
    """What the events of a run say, as of the last `update`.

    Args:
        directory: The run directory.

    Attributes:
        metrics: What was measured.
        happenings: What else happened.
    """

    def __init__(self, directory: Path):
        self.metrics, self.happenings = Metrics(), Happenings()
        self._tail = EventTail(directory / EVENTS)
        self._coming: Iterator[Event] | None = None
        self._restarts = 0

    @property
    def is_behind(self) -> bool:
        """Whether the last update ended before the events did."""
        return self._coming is not None

    @property
    def done(self) -> tuple[int, int]:
        """Bytes read, and bytes of the file."""
        return self._tail.read_bytes, self._tail.size

    def update(self, *, seconds: float | None = None) -> bool:
        """Read what is new; gives whether anything has changed.

        Args:
            seconds: After how long to leave the rest for the next time; all unless given.

        Raises:
            OSError: Where the file cannot be read.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        changed = False
        coming = self._coming or self._tail.events()
        self._coming = None
        for number, event in enumerate(coming, start=1):
            changed |= self._begin_anew()
            changed |= self.metrics.add((event,)) | self.happenings.add((event,))
            if deadline is not None and number % BETWEEN_LOOKS == 0 and time.monotonic() > deadline:
                self._coming = coming
                return changed
        return changed | self._begin_anew()

    def close(self) -> None:
        """Let the file go; who updates again begins anew."""
        self._coming = None
        self._tail.close()
        self._restarts = -1

    def _begin_anew(self) -> bool:
        """Forget what another file said, once what comes is of the next one."""
        if self._tail.restarts == self._restarts:
            return False
        self._restarts = self._tail.restarts
        self.metrics.clear()
        self.happenings.clear()
        return True
