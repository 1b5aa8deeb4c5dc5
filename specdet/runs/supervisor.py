"""`python -m specdet.runs.supervisor RUN`: owns one run from the queue to its end, whatever becomes of who started it.

It starts `accelerate launch`, watches its processes, sees to it that a run which was asked to stop does, ends what is
left when one of them dies, says how it ended, and then frees the devices. It never imports torch.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from specdet.runs.control import ask, finish, pending
from specdet.runs.devices import CPU, HeldDevices, device_names, take_wished
from specdet.runs.end import read_end
from specdet.runs.events import last_event
from specdet.runs.files import read_json
from specdet.runs.heartbeat import read_progress
from specdet.runs.identity import Identity
from specdet.runs.ladder import GRACE, GRACE_VARIABLE, Ladder
from specdet.runs.launch_command import Command, LaunchOptions, launch_command
from specdet.runs.lock import RunLock
from specdet.runs.meta import NAME as META
from specdet.runs.outcome import Remains, classify, lost_rank, oom_kills, tail
from specdet.runs.processes import become_subreaper, end_all, ranks_of, reap, rest_of
from specdet.runs.record import Record
from specdet.runs.state import RunProcess, RunState, read_state
from specdet.runs.tickets import Ticket, ahead, busy_message, discard, draw, in_the_way

READY = "ready"  # said on standard output once the run is owned
OUT_LOG, OLD_LOG = "out.log", "out.1.log"
LONGEST_LOG = 64 << 20  # bytes
POLL = 0.2  # s
LOOK = 0.5  # s between two looks at what the launcher says
LINGER = 2.0  # s for what a rank leaves behind to end, and for rank 0 to say that the end of another one is right


class Supervisor:
    """The owner of one attempt of a run.

    Args:
        directory: The run directory; its meta.json has the `LaunchOptions` under "launch".
        command: Makes the command that trains.

    Raises:
        ValueError: Where the run has another owner, or was not made to be launched.
        OSError: Where the directory cannot be written to.
    """

    def __init__(self, directory: Path, *, command: Callable[..., Command] = launch_command):
        self._directory, self._command = directory, command
        self._lock = RunLock(directory)
        self._record = Record(directory)
        self._options = LaunchOptions.read(_meta(directory).get("launch"))
        self._attempt = _next_attempt(directory)
        self._ladder = Ladder(float(os.environ.get(GRACE_VARIABLE) or GRACE))
        self._sent: set[str] = set()
        self._signalled = self._moved = self._has_trained = False
        self._devices: HeldDevices | None = None
        self._launcher: subprocess.Popen[bytes] | None = None
        self._log_start = self._oom_kills = 0
        if self._attempt > 1:
            for command_ in pending(directory):
                finish(directory, command_, outcome="it was asked of an attempt that had ended")
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self._tell()
        self._say("queued")

    def run(self) -> None:
        """See the attempt through."""
        try:
            self._devices = self._wait_for_devices()
        except (ValueError, OSError) as error:  # devices that are not there, or not free, or no place for a ticket
            self._say("failed", reason="error", message=str(error))
        if self._devices is not None and self._start():
            self._watch()
            self._conclude()
        elif self._ladder.asked:
            self._finish_commands()
            self._say("stopped", reason="user", message="taken out of the queue")
        self._record.close()
        if self._devices is not None:
            self._devices.release()
        self._lock.release()

    # -- the queue

    def _wait_for_devices(self) -> HeldDevices | None:
        """The devices, or None for a run that was asked to stop before it had them."""
        wish, known = self._options.wanted, device_names()
        lacking = [name for name in wish.names if name not in (*known, CPU)]
        if lacking or wish.count > len(known):
            what = ", ".join(lacking) or f"{wish.count} devices"
            raise ValueError(f"this machine does not have {what}; it has {', '.join(known)}")
        ticket = draw(self._directory, wish)
        try:
            while not self._was_asked():
                if not ahead(ticket, known=known):
                    held = take_wished(wish, known=known, run=self._directory)
                    if held is not None:
                        return held
                if runs := in_the_way(wish, known=known, mine=ticket):
                    if not self._options.waits:
                        raise ValueError(busy_message(runs))
                    self._say("queued", message=f"waits for {', '.join(runs)}")
                if self._record.was_moved:  # what the queue knows it by is gone
                    raise ValueError("the run directory was moved away while it waited: resume it at its new place")
                self._record.retry()
                time.sleep(POLL)
        finally:
            self._discard(ticket)
        return None

    def _discard(self, ticket: Ticket) -> None:
        try:
            discard(ticket)
        except OSError as error:  # it counts for nothing once this process ends
            self._record.log(f"{error}")

    # -- start

    def _start(self) -> bool:
        assert self._devices is not None
        self._say("starting")
        self._oom_kills = oom_kills()
        log = self._directory / OUT_LOG
        try:
            if log.exists() and log.stat().st_size > LONGEST_LOG:
                log.replace(log.with_name(OLD_LOG))
            command = self._command(
                self._options,
                devices=self._devices.names,
                directory=self._directory,
                attempt=self._attempt,
                resumes=self._attempt > 1 and any(self._directory.glob("checkpoints/iter_*")),
                environment=os.environ,
            )
            with log.open("ab") as out:
                self._log_start = out.seek(0, os.SEEK_END)
                self._launcher = subprocess.Popen(
                    command.argv, env=command.environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                    start_new_session=True,
                )  # fmt: skip
        except OSError as error:
            self._say("failed", reason="error", message=f"the training could not be started: {error}")
            return False
        self._tell()
        return True

    # -- while it runs

    def _watch(self) -> None:
        """Return when the launcher has ended, or had to be."""
        assert self._launcher is not None
        launcher = Identity.of(self._launcher.pid)
        looked, missed = time.monotonic(), None
        while self._launcher.poll() is None:
            self._was_asked()
            self._climb(launcher)
            self._say_where_it_stands()
            self._record.retry()
            now = time.monotonic()
            if now - looked >= LOOK:
                looked = now
                if not self._has_lost_one():
                    missed = None
                elif missed is None:
                    missed = now
            if missed is not None and now - missed >= LINGER:
                self._record.log("a process of the run has died: the others are ended")
                self._end_ranks(launcher)
                return
            time.sleep(POLL)

    def _has_lost_one(self) -> bool:
        """Whether a rank died, and the launcher waits for the others, which may be waiting for that one: 30 s."""
        if self._ladder.asked or not lost_rank(self._tail()):
            return False
        return self._phase() not in ("stopped", "finished", "failed") and self._end() is None

    def _climb(self, launcher: Identity | None) -> None:
        """Take the step of the stop ladder that is due."""
        now = time.monotonic()
        if not self._moved and self._record.was_moved:
            self._moved = True
            self._record.log("the run directory was moved away: the run is stopped")
            self._ladder.ask("stop_now", now=now)  # there is nowhere to save to
            self._terminate(launcher)
        action = self._ladder.due(now=now, phase=self._phase())
        if action == "terminate":
            self._terminate(launcher)
        elif action == "kill":
            self._kill()

    def _terminate(self, launcher: Identity | None) -> None:
        ranks = ranks_of(launcher) if launcher is not None else []
        if not ranks:  # the launcher is still getting ready, and would not pass it on
            self._kill()
            return
        self._record.log("SIGTERM to the processes of the run")
        self._sent.add("SIGTERM")
        for rank in ranks:
            rank.signal(signal.SIGTERM)

    def _kill(self) -> None:
        self._record.log("SIGKILL to all processes of the run")
        self._sent.add("SIGKILL")
        end_all(self._directory.name, self._directory)

    def _end_ranks(self, launcher: Identity | None) -> None:
        """Kill all but the launcher, which then says how the first one of them ended."""
        assert self._launcher is not None
        for each in rest_of(self._directory.name, self._directory):
            if each != launcher:
                each.signal(signal.SIGKILL)
        try:
            self._launcher.wait(LINGER)
        except subprocess.TimeoutExpired:
            self._launcher.kill()

    def _say_where_it_stands(self) -> None:
        self._has_trained |= self._phase() not in (None, "prepare")
        if self._ladder.asked:
            self._say("stopping")
        elif self._has_trained or self._options.machine_rank:
            self._say("running")

    # -- the end

    def _conclude(self) -> None:
        """See that nothing of the run is left, and say how it ended."""
        assert self._launcher is not None
        code = self._launcher.wait()
        deadline = time.monotonic() + (LINGER if code == 0 else 0.0)
        while time.monotonic() < deadline and rest_of(self._directory.name, self._directory):
            time.sleep(POLL / 4)
        for stuck in end_all(self._directory.name, self._directory):
            self._record.log(f"process {stuck.pid} cannot be killed: it hangs in the kernel")
        reap()
        state = classify(
            Remains(
                attempt=self._attempt,
                end=self._end(),
                exit_code=code,
                lines=self._tail(),
                asked=self._ladder.asked,
                sent=frozenset(self._sent),
                oom_kills=oom_kills() - self._oom_kills,
                moved=self._moved or self._record.was_moved,
                full=self._record.is_full,
                follows=self._options.machine_rank > 0,
                trained=self._has_trained,
            )
        )
        self._finish_commands()
        self._record.say(state)

    def _finish_commands(self) -> None:
        """Rank 0 is gone, so that what it has not dealt with is ours."""
        place = self._record.place
        try:
            for command in pending(place) if place else []:
                stop = command.kind in ("stop", "stop_now")
                finish(place or self._directory, command, outcome="done" if stop else "the run has ended")
        except OSError as error:
            self._record.log(f"{error}")

    # -- what is seen and said

    def _was_asked(self) -> bool:
        """Take note of what was asked of the run, by commands or by a signal to this process."""
        place = self._record.place
        try:
            if self._signalled:
                self._signalled = False
                self._ladder.ask("stop", now=time.monotonic())
                if place is not None:
                    ask(place, "stop", by="supervisor")
            for command in pending(place) if place else []:
                if command.kind == "stop" or command.kind == "stop_now":
                    self._ladder.ask(command.kind, now=time.monotonic())
        except OSError as error:
            self._record.log(f"{error}")
        return self._ladder.asked is not None

    def _on_signal(self, number: int, frame: Any) -> None:
        self._signalled = True

    def _progress(self) -> dict[str, Any] | None:
        place = self._record.place
        return read_progress(place, attempt=self._attempt) if place else None

    def _phase(self) -> str | None:
        """What the training does; None before it says anything. Between two phases it says "prepare" again."""
        phase = (self._progress() or {}).get("phase")
        return "train" if self._has_trained and phase in (None, "prepare") else phase

    def _end(self) -> Any:
        place = self._record.place
        return read_end(place, attempt=self._attempt) if place else None

    def _tail(self) -> list[str]:
        place = self._record.place
        return tail(place / OUT_LOG, start=self._log_start) if place else []

    def _say(self, state: Any, **fields: Any) -> None:
        self._record.say(RunState(state=state, attempt=self._attempt, **fields))

    def _tell(self) -> None:
        self._record.tell(
            RunProcess(
                owner=Identity.own(),
                by="supervisor",
                attempt=self._attempt,
                processes=self._options.processes,
                devices=self._devices.names if self._devices else (),
                launcher=Identity.of(self._launcher.pid) if self._launcher else None,
            )
        )


def main(argv: Sequence[str] | None = None, *, command: Callable[..., Command] = launch_command) -> int:
    """Supervise one run, detached from whoever starts it."""
    parser = argparse.ArgumentParser(prog="specdet.runs.supervisor", description="Own a run from the queue to its end.")
    parser.add_argument("run", type=Path, help="a run directory made by `specdet launch`")
    directory = parser.parse_args(argv).run.absolute()
    if os.fork():
        os._exit(0)  # who started us waits for this process alone, and no terminal can become ours
    try:
        become_subreaper()
        supervisor = Supervisor(directory, command=command)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    _say_ready()
    supervisor.run()
    return 0


def _say_ready() -> None:
    with suppress(OSError):  # who started us is gone already, which changes nothing
        print(READY, flush=True)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())


def _meta(directory: Path) -> dict[str, Any]:
    found = read_json(directory / META)
    return found if isinstance(found, dict) else {}


def _next_attempt(directory: Path) -> int:
    state, event = read_state(directory), last_event(directory / "events.jsonl")
    return 1 + max(state.attempt if state else 0, event["attempt"] if event else 0)


if __name__ == "__main__":
    sys.exit(main())
