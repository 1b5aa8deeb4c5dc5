"""WithPhases: the part of a runner that says what it is at, to whoever listens."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from specdet.runner.hooks.control import Abandoned
from specdet.runs.control import Command

Phase = Literal["prepare", "train", "eval", "save"]


class WithPhases:
    """Is in one phase at a time.

    Attributes:
        phase: What it is at.
        exception, failed_in: What ended the run, and the phase in which it came; None where nothing did.
        phase_listeners: Called with the phase that begins.
        batch_listeners: Called after each batch of an evaluation.
        command_listeners: Called with each command that was dealt with, and what came of it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.phase: Phase = "prepare"
        self.exception: BaseException | None = None
        self.failed_in: Phase | None = None
        self.phase_listeners: list[Callable[[Phase], None]] = []
        self.batch_listeners: list[Callable[[], None]] = []
        self.command_listeners: list[Callable[[Command, str], None]] = []

    @contextmanager
    def in_phase(self, phase: Phase) -> Iterator[None]:
        """Tell who listens that a phase begins, and that the one before it goes on at the end."""
        before = self.phase
        self._enter(phase)
        try:
            yield
        except Abandoned:
            raise
        except BaseException as error:
            if error is not self.exception:
                self.exception, self.failed_in = error, phase
            raise
        finally:
            self._enter(before)

    def _enter(self, phase: Phase) -> None:
        self.phase = phase
        for listener in self.phase_listeners:
            listener(phase)
