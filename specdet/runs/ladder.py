"""The stop ladder: asked first, then told, then killed, each only after the time that a clean end needs."""

from typing import Literal

GRACE_VARIABLE = "SPECDET_STOP_GRACE"  # s, instead of GRACE
GRACE = 120.0  # s: from being asked to being told by SIGTERM; a checkpoint that is being written is waited for
SIGTERM_GRACE = 30.0  # s: from SIGTERM to SIGKILL; torch's launcher kills its processes after as much
NOW_GRACE = 5.0  # s: for a stop without a checkpoint

Asked = Literal["stop", "stop_now"]
Action = Literal["terminate", "kill"]


class Ladder:
    """When a run that was asked to stop is sent signals. It only says so; its caller has the clock and the processes.

    Args:
        grace: Seconds between the steps; those after SIGTERM and after "stop now" are never longer than it.

    Attributes:
        asked: The strongest thing asked so far.
        terminated, killed: Whether that step was taken.
    """

    def __init__(self, grace: float = GRACE):
        self._grace = grace
        self._since: dict[str, float] = {}
        self.asked: Asked | None = None
        self.terminated = self.killed = False

    def ask(self, what: Asked, *, now: float) -> None:
        """The run was asked to stop; asking for the same again changes nothing."""
        if what not in self._since:
            self._since[what] = now
        if self.asked != "stop_now":
            self.asked = what

    def due(self, *, now: float, phase: str | None) -> Action | None:
        """What has to be done now, once each.

        Args:
            now: s, of a clock that only goes forward.
            phase: What the training does, None where it has not said anything yet.
        """
        if self.asked is None or self.killed:
            return None
        if self.asked == "stop_now":
            if now - self._since["stop_now"] >= min(NOW_GRACE, self._grace):
                self.killed = True
                return "kill"
            return None
        if phase == "save":  # however long it takes, half a checkpoint is worth nothing
            return None
        if not self.terminated:
            unstarted = phase in (None, "prepare")  # there is nothing to save
            if unstarted or now - self._since["stop"] >= self._grace:
                self.terminated = True
                self._since["terminate"] = now
                return "terminate"
        elif now - self._since["terminate"] >= min(SIGTERM_GRACE, self._grace):
            self.killed = True
            return "kill"
        return None
