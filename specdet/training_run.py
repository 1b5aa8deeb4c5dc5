"""TrainingRun: a training's part in its run: the directory, the owner's duties, and how it ended."""

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import attrs

from specdet.exit_codes import WRONG_MACHINE
from specdet.experiment import Experiment, resolved
from specdet.runner.asks import EXIT_CODES, ORPHANED, STOP, STOP_NOW, Asks, first_stop
from specdet.runner.watch import Watch
from specdet.runner.watchdog import Watchdog
from specdet.runs import devices
from specdet.runs.control import Command, finish, pending
from specdet.runs.directory import make_run_directory, run_of
from specdet.runs.end import End, read_end, write_end
from specdet.runs.events import EventWriter, last_event
from specdet.runs.files import write_text
from specdet.runs.identity import ATTEMPT, RUN_DIRECTORY, Identity
from specdet.runs.lock import FileLock, RunLock
from specdet.runs.meta import write_meta
from specdet.runs.state import ENDED, Reason, RunProcess, RunState, State, read_state, write_process, write_state
from specdet.training_failure import Failure, failure_of

if TYPE_CHECKING:
    from accelerate import Accelerator

    from specdet.runner.runner import Runner

LOGGER = logging.getLogger("specdet")

CAUSE_WITHIN = 1.0  # s; after the connection to a process was lost, for that to have written why it ended
ORDER: tuple[State, ...] = ("starting", "running", "stopping")
REASONS: dict[str, Reason] = {STOP: "user", STOP_NOW: "user", ORPHANED: "orphaned"}  # others are signals
WHY = {STOP: "asked to", STOP_NOW: "asked to, at once", ORPHANED: "its supervisor was gone"}
EVENTS = "events.jsonl"


class TrainingRun:
    """What a process that trains does for its run besides training.

    Under a supervisor the directory is there and has its owner; the training answers commands, and takes over once the
    supervisor is gone. Without one, rank 0 makes the directory and owns it. A thread watches from the first moment on.

    Args:
        ends_process: Being asked to stop while the training is prepared ends the process, as nothing is to be saved.
            Else it waits for the first step: the process is that of somebody's own program.

    Attributes:
        asks: What the training is asked for.
        directory: The run directory; None until there is one.
        attempt: Which start of the run this is, from 1.
        runner: Once there is one.
        failure: What went wrong, once it did.
    """

    def __init__(self, *, ends_process: bool = False):
        self.asks = Asks()
        self.attempt = int(os.environ.get(ATTEMPT) or 1)
        self.directory: Path | None = None
        self.runner: Runner | None = None
        self.failure: Failure | None = None
        self._ends_process = self._is_own_process = ends_process
        self._rank = int(os.environ.get("RANK") or 0)
        self._processes = int(os.environ.get("WORLD_SIZE") or 1)
        self._supervised = bool(os.environ.get(RUN_DIRECTORY))
        self._devices: tuple[str, ...] = ()
        self._used: list[FileLock] = []
        self._taken: devices.HeldDevices | None = None
        self._owned: RunLock | None = None
        self._said: State | None = None
        self._begun = self._concluded = False
        self._lock = threading.RLock()  # what the watching thread writes, or makes the process end in, is whole
        self._watch = Watch(self.asks, heed=self._heed, hears_signals=ends_process)
        if self._supervised:
            self.directory = Path(os.environ[RUN_DIRECTORY])
            self._use([name for name in os.environ.get(devices.HELD, "").split(",") if name])
            self._watch.follow_owner(self.directory)
            if self._rank == 0:
                self._watch.follow_commands(self.directory)

    def open(self, experiment: Experiment, accelerator: "Accelerator", *, source: str | None = None) -> Path:
        """The run directory, the same on every rank: that of the run which is resumed, else a new one.

        Args:
            source: The text that the spec was written as.

        Raises:
            ValueError: Where another process owns the run.
        """
        from accelerate.utils import broadcast_object_list

        if self.directory is not None:
            return self.directory
        name = _device_name(accelerator)
        made: list[Any] = [None, 1]
        if accelerator.is_main_process:
            self._processes = accelerator.num_processes
            resumed = experiment.train.resume_from and run_of(experiment.train.resume_from)
            with self._lock:
                directory = self._own(resumed, name=experiment.name, device=name)
            self._watch.follow_commands(directory)
            if not resumed:
                self._describe(directory, experiment, source=source)
            made = [directory, self.attempt]
        self.directory, self.attempt = broadcast_object_list(made)
        assert self.directory is not None
        self._use([name])
        return self.directory

    def begin(self, runner: "Runner", *, hang_timeout: float) -> None:
        """The preparation is over: from here on being asked to stop is for the runner.

        Args:
            hang_timeout: s without a step after which a training in a process of its own is ended.
        """
        with self._lock:
            self._begun, self._ends_process = True, False
        runner.phase_listeners.append(self._on_phase)
        if self._is_own_process and self.directory is not None:
            watchdog = Watchdog(
                lambda: (runner.iter, runner.inner_iter, runner.moves),
                timeout=hang_timeout,
                folder=self.directory,
                rank=self._rank,
                world_size=self._processes,
                attempt=self.attempt,
                on_hang=self._end_hanging,
            )
            self._watch.follow_training(watchdog)

    @contextmanager
    def told(self) -> Iterator[None]:
        """Write down how what is done inside ends, as the last thing; `failure` says what went wrong."""
        try:
            yield
        except BaseException as error:
            self._watch.close()
            self._tell_failure(error)
            raise
        else:
            self._watch.close()
            self._tell_end()

    # -- ownership

    def _own(self, resumed: Path | None, *, name: str, device: str) -> Path:
        """Make the directory of a new run, or take that of the run which is resumed."""
        directory = resumed or make_run_directory(name)
        self._owned = RunLock(directory)
        self.directory = directory
        if resumed:
            state, event = read_state(directory), last_event(directory / EVENTS)
            self.attempt = 1 + max(state.attempt if state else 0, event["attempt"] if event else 0)
            for command in pending(directory):
                finish(directory, command, outcome="not done: it was asked of an attempt that had ended")
        self._take(device, directory)
        self._tell_process()
        self._say("starting")
        return directory

    def _describe(self, directory: Path, experiment: Experiment, *, source: str | None) -> None:
        write_text(directory / "spec.toml", resolved(experiment))
        if source is not None:
            write_text(directory / "spec.source.toml", source)
        annotations = experiment.data.annotation_files
        write_meta(directory, name=experiment.name, seed=experiment.seed, annotations=annotations)

    def _take(self, device: str, directory: Path) -> None:
        try:
            self._taken = devices.take([device], run=directory)
        except OSError as error:
            LOGGER.warning("that %s is in use cannot be told to other runs: %s", device, error)
            return
        if self._taken is None:
            LOGGER.warning("%s is in use by another run as well: both have less of it", device)

    def _use(self, names: list[str]) -> None:
        self._devices = tuple(names)
        try:
            self._used = devices.use(names)
        except OSError as error:
            LOGGER.warning("that %s is in use cannot be told to other runs: %s", ", ".join(names), error)

    def _adopt(self) -> None:
        """Own a run whose supervisor is gone."""
        if self._rank != 0 or self._owned is not None or self.directory is None:
            return
        try:
            self._owned = RunLock(self.directory)
            self._tell_process()
        except (ValueError, OSError) as error:
            LOGGER.warning("the run has lost its supervisor and cannot be taken over: %s", error)

    def _tell_process(self) -> None:
        assert self.directory is not None
        write_process(
            self.directory,
            RunProcess(
                owner=Identity.own(),
                by="training",
                attempt=self.attempt,
                processes=self._processes,
                devices=self._taken.names if self._taken else self._devices,
            ),
        )

    def _say(self, state: State, **fields: Any) -> None:
        """Where the run stands, if it is ours to say; never back to an earlier state."""
        with self._lock:
            if self._owned is None or self.directory is None:
                return
            if self._said is not None and state not in ENDED and ORDER.index(state) <= ORDER.index(self._said):
                return
            self._said = state
            write_state(self.directory, RunState(state=state, attempt=self.attempt, **fields))

    def _on_phase(self, phase: str) -> None:
        if phase != "prepare" and self._said == "starting":
            self._say("running")

    # -- being asked to stop

    def _heed(self, asked: Collection[str]) -> None:
        """Called by the watching thread."""
        reason = first_stop(asked)
        if reason is None:
            return
        with self._lock:
            if self._concluded:
                return
            if ORPHANED in asked:
                self._adopt()
            _try(lambda: self._say("stopping", reason=_reason(reason), message=_why(reason)))
            if self._ends_process:
                self._end_at_once(reason)

    def _end_at_once(self, reason: str) -> NoReturn:
        message = f"stopped before the training began ({_why(reason)}): there was nothing to save"
        self._conclude(self._end_of("stopped", reason=_reason(reason), message=message), code=EXIT_CODES[reason])
        if self._rank == 0:
            print(message, file=sys.stderr, flush=True)
        sys.stdout.flush()
        os._exit(EXIT_CODES[reason])  # the main thread may be anywhere, even where no exception can reach it

    def _end_hanging(self, message: str) -> NoReturn:
        """Called by the watching thread: the main one does not come back, nor does what it may hold."""
        if self._lock.acquire(timeout=CAUSE_WITHIN):
            _try(lambda: self._conclude(self._end_of("failed", reason="error", message=message), code=WRONG_MACHINE))
        print(f"rank {self._rank}: {message}" if self._rank else message, file=sys.stderr, flush=True)
        os._exit(WRONG_MACHINE)

    # -- the end

    def _tell_end(self) -> None:
        runner = self.runner
        assert runner is not None, "there is no end without a runner"
        reason = runner.stop_reason
        if reason in EXIT_CODES:
            message = f"stopped after iter {runner.iter}: {_why(reason)}"
            end = self._end_of("stopped", reason=_reason(reason), message=message)
        else:
            end = self._end_of("finished", message=f"ended after iter {runner.iter}: {reason}" if reason else "")
        self._conclude(end, code=runner.exit_code)

    def _tell_failure(self, error: BaseException) -> None:
        failure = failure_of(error, runner=self.runner, directory=self.directory)
        if failure.is_elsewhere:
            cause = self._cause_elsewhere()
            stopped = first_stop(self.asks.names)
            if cause is not None:
                failure = attrs.evolve(failure, reason=cause.reason)
            elif stopped is not None:  # another rank went first: it had nothing to save, or the launcher ended it
                message = f"{_why(stopped)}: another process ended first, so that nothing could be saved"
                self.failure = failure = attrs.evolve(failure, message=message, exit_code=EXIT_CODES[stopped])
                end = self._end_of("stopped", reason=_reason(stopped), message=message)
                self._conclude(end, code=failure.exit_code)
                return
        self.failure = failure
        if self._rank == 0 or not failure.is_elsewhere:
            end = self._end_of("failed", reason=failure.reason, message=failure.message)
            self._conclude(end, code=failure.exit_code)

    def _cause_elsewhere(self) -> End | None:
        """What another rank says of how it failed."""
        deadline = time.monotonic() + CAUSE_WITHIN
        while self.directory is not None:
            end = read_end(self.directory, attempt=self.attempt)
            if end is not None or time.monotonic() > deadline:
                return end
            time.sleep(0.05)
        return None

    def _end_of(self, outcome: Any, *, reason: Reason = "", message: str = "") -> End:
        return End(
            attempt=self.attempt, outcome=outcome, reason=reason, message=message, checkpoint=self._last_checkpoint()
        )

    def _last_checkpoint(self) -> str:
        if self.directory is None:
            return ""
        written = [
            (manifest.stat().st_mtime, manifest.parent.name)
            for manifest in self.directory.glob("checkpoints/iter_*/manifest.json")
        ]
        return f"checkpoints/{max(written)[1]}" if written else ""

    def _conclude(self, end: End, *, code: int) -> None:
        """Say the last word on this attempt, once. What another rank has said of its failure stands."""
        with self._lock:
            directory = self.directory
            if self._concluded or directory is None:
                return
            self._concluded = True
            if end.reason == ORPHANED:  # another rank may have noticed it first, and the training stopped for that
                self._adopt()
            known = read_end(directory, attempt=self.attempt)
            if self._rank == 0:
                _try(lambda: self._finish_commands(directory, end))
            if known is None and (self._rank == 0 or end.outcome == "failed"):
                _try(lambda: write_end(directory, end))
            said = known or end
            _try(lambda: self._say(said.outcome, reason=said.reason, message=said.message, exit_code=code))
            for lock in self._used:
                lock.release()
            for held in (self._taken, self._owned):
                if held is not None:
                    held.release()

    def _finish_commands(self, directory: Path, end: End) -> None:
        """Answer what nobody was there for any more to answer."""
        waiting = pending(directory)
        if not waiting:
            return
        outcomes = [_outcome(command, end) for command in waiting]
        if not self._begun or (directory / EVENTS).exists():  # no hook can have written them, or one does
            iter, epoch = (self.runner.iter, self.runner.epoch) if self.runner is not None else (0, 0)
            with EventWriter(directory / EVENTS, attempt=self.attempt) as events:
                for command, outcome in zip(waiting, outcomes, strict=True):
                    data = {"id": command.id, "command": command.kind, "outcome": outcome}
                    events.write("command", data, step=iter, epoch=epoch)
        for command, outcome in zip(waiting, outcomes, strict=True):
            finish(directory, command, outcome=outcome)


def _outcome(command: Command, end: End) -> str:
    if command.kind in (STOP, STOP_NOW) and end.outcome == "stopped":
        return "done"
    return f"not done: the training had {'failed' if end.outcome == 'failed' else 'ended'} already"


def _reason(stop: str | None) -> Reason:
    return REASONS.get(stop or "", "signal")


def _why(stop: str | None) -> str:
    return WHY.get(stop or "", stop or "")


def _device_name(accelerator: "Accelerator") -> str:
    if accelerator.device.type != "cuda":
        return accelerator.device.type
    import torch

    return f"GPU-{torch.cuda.get_device_properties(accelerator.device).uuid}"


def _try(write: Callable[[], None]) -> None:
    """What is said of the end must not hide the end itself: a full disk, a directory that is gone."""
    try:
        write()
    except OSError as error:
        print(f"that could not be written down: {error}", file=sys.stderr)
