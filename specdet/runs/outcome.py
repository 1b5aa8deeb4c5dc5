"""How an attempt ended, told from all that is left of it: its own account, signals, memory and its last lines."""

import re
from collections.abc import Sequence
from pathlib import Path
from signal import Signals

import attrs

from specdet.runs.end import End
from specdet.runs.ladder import Asked
from specdet.runs.state import Reason, RunState

LINES = 20  # of out.log, kept with a failure
TAIL_BYTES = 1 << 16
STOPPED_CODES = (75, 76, 77, 130)  # of the training: SIGTERM, asked, no supervisor, SIGINT
OUT_OF_MEMORY = re.compile(r"out of memory|cannot allocate memory|can't allocate memory|\bMemoryError\b", re.I)
# What launchers write when a process of theirs ends badly: torch's, and Accelerate's for a single one.
FAILED = re.compile(r"failed \(exitcode: (-?\d+)\) local_rank: (\d+)")
DIED = re.compile(r"CalledProcessError: .* died with <Signals\.(\w+): \d+>|CalledProcessError: .* exit status (\d+)\.")
CLOSING = re.compile(r"^\W*\w\d{4} .*(Sending process \d+ closing signal|failed \(exitcode: )")
LAUNCHER_TRACE = re.compile(r"accelerate.commands.launch|accelerate/commands/launch\.py")


@attrs.frozen(kw_only=True)
class Remains:
    """What is left of an attempt once all of its processes are gone.

    Attributes:
        end: Its own account.
        exit_code: Of the launcher; negative for a signal.
        lines: The end of what it wrote, see `tail`.
        asked: To stop, and how.
        sent: Signals that the supervisor itself sent to it because it was asked to stop.
        oom_kills: How many processes the kernel killed for memory meanwhile.
        moved: Whether the run directory was moved away or deleted.
        full: Whether the disk is full.
        follows: Whether another machine leads, and has the account.
        trained: Whether it came as far as training.
    """

    attempt: int
    end: End | None
    exit_code: int
    lines: Sequence[str] = ()
    asked: Asked | None = None
    sent: frozenset[str] = frozenset()
    oom_kills: int = 0
    moved: bool = False
    full: bool = False
    follows: bool = False
    trained: bool = True


def classify(remains: Remains) -> RunState:
    """The final state. A signal that we sent ourselves is no failure; one from elsewhere outranks what it led to."""
    end, code = remains.end, _exit_code(remains)
    lines = tuple(_own_lines(remains.lines)[-LINES:])
    foreign = "" if (found := _signal(code)) in remains.sent else found
    # Of a rank that dies the launcher tells the others by SIGTERM, and they know no more than that.
    misled = end is not None and end.reason == "signal" and foreign not in ("", "SIGTERM", "SIGINT")
    if end is not None and end.outcome != "failed" and not misled:
        by_request = end.outcome == "stopped" and remains.asked  # it may have known no more than our SIGTERM
        reason = "user" if by_request else end.reason
        return RunState(state=end.outcome, attempt=remains.attempt, reason=reason, message=end.message)
    if remains.moved:
        message = "the run directory was moved away or deleted while the run was going: resume it at its new place"
        return _failed(remains, "error", message, lines)
    if foreign:
        if foreign == "SIGKILL" and remains.oom_kills:
            message = "the system killed a process because memory ran out: take fewer images or data workers"
            return _failed(remains, "oom", message, lines, signal=foreign)
        message = f"a process was ended by {foreign}, which specdet did not send"
        return _failed(remains, "signal", message, lines, signal=foreign)
    if end is not None:
        return _failed(remains, end.reason or "error", end.message, lines)
    if remains.asked and (remains.sent or code in STOPPED_CODES):
        return _stopped(remains)
    if code == 0 and remains.follows:
        return RunState(state="finished", attempt=remains.attempt)
    if any(OUT_OF_MEMORY.search(line) for line in lines):
        line = next(line for line in reversed(lines) if OUT_OF_MEMORY.search(line))
        return _failed(remains, "oom", line.strip(), lines, exit_code=code)
    if remains.full:
        return _failed(remains, "error", "the disk of the run directory is full", lines, exit_code=code)
    said = next((line.strip() for line in reversed(lines) if line.strip()), "")
    message = said or f"it ended with exit code {code} and without a word"
    return _failed(remains, "exit", message, lines, exit_code=code)


def tail(path: Path, *, start: int = 0) -> list[str]:
    """The last lines of a log, none from before byte `start`; empty where it cannot be read."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            begin = max(start, size - TAIL_BYTES)
            file.seek(min(begin, size))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return []
    return lines[1:] if begin > start else lines  # the first is half a line


def lost_rank(lines: Sequence[str]) -> bool:
    """Whether the launcher says that a process of its ended badly and the others are being ended for it."""
    return any(CLOSING.search(line) for line in lines) and not any("death signal" in line for line in lines)


def oom_kills() -> int:
    """How often the kernel has killed a process of our control group for memory; 0 where that is not told."""
    try:
        groups = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    except OSError:
        return 0
    root = Path("/sys/fs/cgroup")
    for _, controllers, path in groups:
        if controllers == "":
            files = [root / path.lstrip("/") / "memory.events", root / "memory.events"]
        elif "memory" in controllers.split(","):
            files = [root / "memory" / path.lstrip("/") / "memory.oom_control", root / "memory" / "memory.oom_control"]
        else:
            continue
        for file in files:  # in a container the path is that on its host, and its own group is the root
            if (count := _oom_kill(file)) is not None:
                return count
    return 0


def _oom_kill(file: Path) -> int | None:
    try:
        rows = dict(line.split() for line in file.read_text().splitlines() if len(line.split()) == 2)
    except OSError:
        return None
    return int(rows["oom_kill"]) if "oom_kill" in rows else None


def _stopped(remains: Remains) -> RunState:
    if not remains.trained or "SIGKILL" not in remains.sent:
        message = "stopped before there was anything to save"
    elif remains.asked == "stop_now":
        message = "stopped at once: what was trained since the last checkpoint is lost"
    else:
        message = "it did not stop when asked and was killed: what was trained since the last checkpoint is lost"
    signal = "SIGKILL" if "SIGKILL" in remains.sent else ""
    return RunState(state="stopped", attempt=remains.attempt, reason="user", message=message, signal=signal)


def _failed(
    remains: Remains, reason: Reason, message: str, lines: tuple[str, ...], *, exit_code: int | None = None,
    signal: str = "",
) -> RunState:  # fmt: skip
    return RunState(
        state="failed",
        attempt=remains.attempt,
        reason=reason,
        message=message,
        exit_code=exit_code,
        signal=signal,
        last_lines=lines,
    )


def _exit_code(remains: Remains) -> int:
    """Of the process that ended badly first, as its launcher tells it, else of the launcher itself."""
    if remains.exit_code < 0:
        return remains.exit_code
    for line in remains.lines:
        if found := FAILED.search(line):
            return int(found[1])
        if found := DIED.search(line):
            return -Signals[found[1]] if found[1] else int(found[2])
    return remains.exit_code


def _signal(code: int) -> str:
    try:
        return Signals(-code).name if code < 0 else ""
    except ValueError:  # a real-time signal
        return f"signal {-code}"


def _own_lines(lines: Sequence[str]) -> list[str]:
    """The lines up to where the launcher begins to tell what befell it."""
    for index, line in enumerate(lines):
        if CLOSING.search(line):
            return list(lines[:index])
        if line.startswith("Traceback") and any(LAUNCHER_TRACE.search(each) for each in lines[index : index + 12]):
            return list(lines[:index])
    return list(lines)
