"""Where a run stands, told from whatever lies in its directory and which of its processes live."""

import os
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args

import attrs

from specdet.runs.end import END
from specdet.runs.heartbeat import PROGRESS
from specdet.runs.identity import RUN_DIRECTORY, RUN_ID, Identity, boot_id
from specdet.runs.lock import LOCK, is_owned
from specdet.runs.meta import NAME as META
from specdet.runs.state import ENDED, PROC, STATE, State
from specdet.runs.tables import FoundTable, find_table
from specdet.runs.user import USER, user_data

Derived = State | Literal["orphaned", "stalled", "lost", "remote"]
STATES: tuple[Derived, ...] = (*get_args(State), "orphaned", "stalled", "lost", "remote")
STALLED_AFTER, STALLED_STEPS = 120.0, 20  # s, and steps of usual length: what is longer is no pause any more
STARTED_WITHIN = 15.0  # s from the making of a run's directory until a supervisor owns it
SILENT_STATES_FOR = 86400.0  # s; a run that waits on another machine gives no sign of life
REASONS = {
    "user": "it was asked to stop",
    "signal": "a signal ended it",
    "exit": "its process ended with an error",
    "oom": "it ran out of memory",
    "nan": "a loss was no number",
    "error": "an error ended it",
    "orphaned": "its supervisor was gone, so it stopped",
}
Marks = Mapping[str, set[str]]  # id of a run -> the directories that its live processes were started for


@attrs.frozen(kw_only=True)
class RunStatus:
    """A run as lists show it.

    Attributes:
        id: The name of its directory.
        name: What people call it, else what its spec is called.
        state: As its owner says, or: orphaned (processes without an owner), stalled (no step for a long time), lost (it
            went without a word), remote (it runs on another machine).
        why: A sentence on how it came to that, where there is something to say.
        attempt: 1, and one more for each time that it was resumed; 0 where it has not begun.
        phase: prepare, train, eval or save, while it runs.
        iter, max_iters, epoch, max_epochs: How far it has come; 0 for unknown.
        eta_s: Seconds until it is through, at the speed of late; None for unknown.
        last, best: Value of each metric; None for one that was not finite.
        best_iter: When the best was measured, in optimizer steps.
        created, updated: When it was made, and when it last gave a sign of life; s since 1970.
        host: The machine that trains, or trained, it.
        devices: What it has, or had.
        settled: Whether nothing but a file written into its directory can change any of this.
    """

    id: str
    name: str
    state: Derived
    why: str = ""
    attempt: int = 0
    phase: str = ""
    iter: int = 0
    max_iters: int = 0
    epoch: int = 0
    max_epochs: int = 0
    eta_s: float | None = None
    last: Mapping[str, float | None] = attrs.field(factory=dict)
    best: Mapping[str, float | None] = attrs.field(factory=dict)
    best_iter: Mapping[str, int] = attrs.field(factory=dict)
    created: float = 0.0
    updated: float = 0.0
    host: str = ""
    devices: tuple[str, ...] = attrs.field(default=(), converter=tuple)
    parent: str = ""
    tags: tuple[str, ...] = attrs.field(default=(), converter=tuple)
    star: bool = False
    note: str = ""
    archived: bool = False
    settled: bool = False

    @property
    def is_alive(self) -> bool:
        """Whether processes of it are, or may be, at work or about to be."""
        return self.state not in (*ENDED, "lost")


def read_status(directory: Path, *, now: float | None = None, marks: Callable[[], Marks] | None = None) -> RunStatus:
    """Where the run in `directory` stands. Never raises for what lies there: that becomes a state and a sentence.

    The owner itself may ask once proc.json names it: before, looking at the lock would lose it, see `FileLock`.

    Args:
        now: s since 1970.
        marks: Which runs have live processes; asked only where that matters, `live_runs` unless given.
    """
    now = time.time() if now is None else now
    meta, progress, user = (find_table(directory / name) for name in (META, PROGRESS, USER))
    found = _Evidence.gather(directory, progress=progress, home=meta.table("host").text("name"))
    state, why, settled = _derive(directory, found, now=now, marks=marks or live_runs, meta=meta)
    said = user_data(user)
    problems = [each for each in (meta.problem, progress.problem, user.problem) if each]
    bests = progress.table("best")
    best = {name: bests.table(name) for name in bests.values}
    return RunStatus(
        id=directory.name,
        name=said.name or meta.text("name") or directory.name,
        state=state,
        why="; ".join([why, *problems] if why else problems),
        attempt=found.attempt,
        phase=progress.text("phase") if state in ("running", "stopping", "stalled", "orphaned", "remote") else "",
        iter=progress.whole("iter"),
        max_iters=progress.whole("max_iters"),
        epoch=progress.whole("epoch"),
        max_epochs=progress.whole("max_epochs"),
        eta_s=progress.number("eta_s") if state in ("running", "remote") else None,
        last=_numbers(progress.table("last").values),
        best={name: each.number("value") for name, each in best.items()},
        best_iter={name: each.whole("iter") for name, each in best.items()},
        created=_created(directory, meta),
        updated=found.sign_of_life,
        host=found.host,
        devices=_texts(found.process.values.get("devices")),
        parent=meta.text("parent"),
        tags=said.tags,
        star=said.star,
        note=said.note,
        archived=said.archived,
        settled=settled,
    )


def live_runs() -> dict[str, set[str]]:
    """The runs that have live processes on this machine, told by the environment of all processes but this one."""
    import psutil

    found: dict[str, set[str]] = {}
    for process in psutil.process_iter():
        try:
            environment = process.environ() if process.pid != os.getpid() else {}
        except (psutil.Error, OSError):  # another user's, or gone, or waiting to be reaped
            continue
        if run := environment.get(RUN_ID):
            found.setdefault(run, set()).add(environment.get(RUN_DIRECTORY, ""))
    return found


@attrs.frozen(kw_only=True)
class _Evidence:
    """What the owner and the training have said, as it stood at one moment."""

    said: FoundTable
    process: FoundTable
    end: FoundTable
    progress: FoundTable
    owned: bool
    host: str

    @classmethod
    def gather(cls, directory: Path, *, progress: FoundTable, home: str) -> "_Evidence":
        """Read until what was said before the lock was looked at still holds after it."""
        said = find_table(directory / STATE)
        while True:
            process = find_table(directory / PROC)
            owned = said.text("state") not in ENDED and _owned(directory, process)
            again = said if owned or said.text("state") in ENDED else find_table(directory / STATE)
            if again.values == said.values:
                break
            said = again
        host = process.table("owner").text("host") or home
        return cls(said=said, process=process, end=find_table(directory / END) if not owned else FoundTable(),
                   progress=progress, owned=owned, host=host)  # fmt: skip

    @property
    def state(self) -> State | None:
        """What the owner said last, in a word."""
        word = self.said.text("state")
        return next((known for known in get_args(State) if known == word), None)

    @property
    def attempt(self) -> int:
        return self.said.whole("attempt") or self.progress.whole("attempt")

    @property
    def sign_of_life(self) -> float:
        """The latest time that was written."""
        return max(self.said.number("t") or 0.0, self.progress.number("t") or 0.0)

    @property
    def patience(self) -> float:
        """How long a training may go without a sign of life, s."""
        speed = self.progress.number("iters_per_s")
        return max(STALLED_AFTER, STALLED_STEPS / speed) if speed and speed > 0 else STALLED_AFTER


def _derive(
    directory: Path, found: _Evidence, *, now: float, marks: Callable[[], Marks], meta: FoundTable
) -> tuple[Derived, str, bool]:
    """State, a sentence, and whether it is settled."""
    if found.state in ENDED:
        return found.state, _why(found.said), True
    if found.owned:
        return *_of_owned(found, now=now), False
    if found.host and found.host != os.uname().nodename:
        return *_of_stranger(found, now=now), False
    owner, launcher = (_identity(found.process, role) for role in ("owner", "launcher"))
    if any(each is not None and each.is_alive for each in (owner, launcher)) or _marked(directory, meta, marks()):
        return "orphaned", "nobody owns it any more, but processes of it live: they should save and stop", False
    outcome = found.end.text("outcome")
    ended: State | None = next((known for known in ENDED if known == outcome), None)
    if ended and (found.state is None or found.end.whole("attempt") == found.attempt):
        return ended, _why(found.end), True
    made = _created(directory, meta)
    if found.state is None and not found.said.problem and 0 <= now - made < STARTED_WITHIN:
        return "queued", "it was made just now", False
    if found.said.problem:
        return "lost", f"none of its processes lives, and {found.said.problem}", True
    if found.state is None:
        return "lost", "nothing says that it ever began" if not meta.problem else "", True
    if owner is not None and owner.boot != boot_id():
        return "lost", f"this machine was started anew while it was {found.state}: resume it", True
    return "lost", f"it was {found.state}, but none of its processes lives, and none said how it ended: resume it", True


def _of_owned(found: _Evidence, *, now: float) -> tuple[Derived, str]:
    if found.state is None:
        state: State = "running" if found.progress.text("phase") else "starting"
        return state, found.said.problem
    silent = now - found.sign_of_life
    if found.state == "running" and found.progress.values and silent > found.patience:
        return "stalled", f"no sign of life for {silent:.0f} s: look into its log, or stop it"
    return found.state, found.said.text("message")


def _of_stranger(found: _Evidence, *, now: float) -> tuple[Derived, str]:
    silent = now - found.sign_of_life
    if silent <= (SILENT_STATES_FOR if found.state in ("queued", "starting") else found.patience):
        return "remote", f"{found.state or 'running'} on {found.host}"
    return "lost", f"it was {found.state or 'started'} on {found.host}, which has not written for {silent:.0f} s"


def _owned(directory: Path, process: FoundTable) -> bool:
    owner = _identity(process, "owner")
    if owner is not None and owner.pid == os.getpid() and owner.is_alive:
        return True  # we own it ourselves: to ask for the lock would mean to lose it
    try:
        return (directory / LOCK).is_file() and is_owned(directory)
    except OSError:  # a file system without locks, or no access: the processes will tell
        return False


def _identity(process: FoundTable, role: str) -> Identity | None:
    table = process.table(role)
    return Identity.read(table.values) if table.whole("pid") > 0 and table.whole("start") > 0 else None


def _marked(directory: Path, meta: FoundTable, marks: Marks) -> bool:
    """Whether live processes belong to this directory: started for it, or for a place that it was moved away from."""
    places = {place for run in {directory.name, meta.text("id")} for place in marks.get(run, ())}
    return any(_is_here(place, directory) for place in places)


def _is_here(place: str, directory: Path) -> bool:
    try:
        return os.path.samefile(place, directory)
    except OSError:  # what was there is gone
        return True


def _why(table: FoundTable) -> str:
    """How a run came to its end, in a sentence."""
    if message := table.text("message"):
        return message
    detail = table.text("signal") or (f"exit code {code}" if (code := table.whole("exit_code")) else "")
    why = REASONS.get(table.text("reason"), "")
    return f"{why} ({detail})" if why and detail else why or detail


def _created(directory: Path, meta: FoundTable) -> float:
    if (created := meta.number("created")) is not None:
        return float(created)
    try:
        return datetime.strptime(directory.name[:15], "%Y%m%d-%H%M%S").timestamp()
    except (ValueError, OverflowError, OSError):
        return 0.0


def _numbers(values: Mapping[str, Any]) -> dict[str, float | None]:
    return {
        name: value
        for name, value in values.items()
        if value is None or (isinstance(value, int | float) and not isinstance(value, bool))
    }


def _texts(values: Any) -> tuple[str, ...]:
    return tuple(each for each in values if isinstance(each, str)) if isinstance(values, list) else ()
