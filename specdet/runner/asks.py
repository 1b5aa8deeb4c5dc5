"""Asks: what a training is asked to do while it runs, by signals, by commands, or because its supervisor is gone."""

from collections.abc import Collection

from specdet.runs.control import Command

STOP_NOW, STOP, ORPHANED = "stop_now", "stop", "orphaned"
CHECKPOINT, EVALUATE = "checkpoint", "evaluate"
# Why a run stops, the most pressing first. 75 is EX_TEMPFAIL: a scheduler may queue the run again.
EXIT_CODES = {STOP_NOW: 76, STOP: 76, ORPHANED: 77, "SIGTERM": 75, "SIGINT": 130}
ASKS = (*EXIT_CODES, CHECKPOINT, EVALUATE)


def exit_code(stop_reason: str | None) -> int:
    """The exit code of a run that ended for `stop_reason`: 0 unless it was stopped from outside."""
    return EXIT_CODES.get(stop_reason or "", 0)


def first_stop(asked: Collection[str]) -> str | None:
    """The most pressing reason to stop among what was asked for, or None."""
    return next((reason for reason in EXIT_CODES if reason in asked), None)


class Asks:
    """What this process was asked for and has not dealt with.

    Signal handlers and a thread add to it, the training looks: each step here is one that Python does not interrupt.

    Attributes:
        handled_at: When a handler first saw a signal, on the monotonic clock; None before.
    """

    def __init__(self) -> None:
        self.handled_at: float | None = None
        self._signal = ""
        self._orphaned = False
        self._commands: dict[str, Command] = {}

    def add_signal(self, name: str) -> None:
        """A signal came; the first counts."""
        self._signal = self._signal or name

    def add_orphaned(self) -> None:
        """Nobody owns the run any more."""
        self._orphaned = True

    def add_command(self, command: Command) -> None:
        """Somebody asks for something."""
        self._commands[command.id] = command

    @property
    def names(self) -> Collection[str]:
        """What is asked for, of `ASKS`."""
        if not (self._signal or self._orphaned or self._commands):  # so that a look at every step costs nothing
            return ()
        kinds = {command.kind for command in tuple(self._commands.values())}
        return kinds | ({self._signal} - {""}) | ({ORPHANED} if self._orphaned else set())

    def take(self, kinds: Collection[str] = ASKS) -> list[Command]:
        """Remove and give the commands of these kinds, oldest first."""
        taken = [command for command in tuple(self._commands.values()) if command.kind in kinds]
        for command in taken:
            del self._commands[command.id]
        return taken
