"""WithPhases: the part of a runner that says what it is at, to whoever listens."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

from specdet.runner.hooks.control import Abandoned
from specdet.runs.control import Command
from specdet.runs.events import Kind
from specdet.structures import Detections

Phase = Literal["prepare", "train", "eval", "save"]


class WithPhases:
    """Is in one phase at a time.

    Attributes:
        phase: What it is at.
        moves: How often a phase has begun or a batch of an evaluation was done, for who watches whether it moves.
        exception, failed_in: What ended the run, and the phase in which it came; None where nothing did.
        phase_listeners: Called with the phase that begins.
        batch_listeners: Called after each batch of an evaluation.
        command_listeners: Called with each command that was dealt with, and what came of it.
        detection_listeners: Called on the main process with what an evaluation found, by image id, on the CPU.
        details_listeners: Called on the main process with what evaluators tell besides numbers, by their names.
        event_listeners: Called with the kind and the data of an event that somebody tells.
    """

    def __init__(self) -> None:
        super().__init__()
        self.phase: Phase = "prepare"
        self.moves = 0
        self.exception: BaseException | None = None
        self.failed_in: Phase | None = None
        self.phase_listeners: list[Callable[[Phase], None]] = []
        self.batch_listeners: list[Callable[[], None]] = []
        self.command_listeners: list[Callable[[Command, str], None]] = []
        self.detection_listeners: list[Callable[[Mapping[int, Detections]], None]] = []
        self.details_listeners: list[Callable[[Mapping[str, Any]], None]] = []
        self.event_listeners: list[Callable[[Kind, Mapping[str, Any]], None]] = []

    def on_detections(self, detections: Mapping[int, Detections]) -> None:
        """What an evaluation calls, on the main process alone, with all that was found."""
        for listener in self.detection_listeners:
            listener(detections)

    def on_details(self, details: Mapping[str, Any]) -> None:
        """What an evaluation calls, on the main process alone, with what its evaluators tell besides numbers."""
        for listener in self.details_listeners:
            listener(details)

    def tell(self, kind: Kind, data: Mapping[str, Any]) -> None:
        """Tell an event to whoever writes them down. Raises OSError where that cannot be."""
        for listener in self.event_listeners:
            listener(kind, data)

    @contextmanager
    def in_phase(self, phase: Phase) -> Iterator[None]:
        """Tell who listens that a phase begins, and that the one before it goes on at the end."""
        before = self.phase
        self._enter(phase)
        try:
            yield
        except Abandoned:
            raise
        except BaseException as error:  # where it failed is noted for an interrupt, too
            if error is not self.exception:
                self.exception, self.failed_in = error, phase
            raise
        finally:
            self._enter(before)

    def _enter(self, phase: Phase) -> None:
        self.phase = phase
        self.moves += 1
        for listener in self.phase_listeners:
            listener(phase)
