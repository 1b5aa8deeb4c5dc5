"""EventsHook: what programs watch: events.jsonl and progress.json of the run directory."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from specdet.runner.checkpoint import FOLDER
from specdet.runner.hooks.base import Hook
from specdet.runner.hooks.fresh_metrics import FreshMetrics
from specdet.runner.spec import EventsHookSpec
from specdet.runs.control import Command
from specdet.runs.events import EventWriter, Kind
from specdet.runs.files import write_json

if TYPE_CHECKING:
    from specdet.runner.runner import Runner
    from specdet.runner.with_phases import Phase

EVENTS = "events.jsonl"
PROGRESS = "progress.json"
VERSION = 1


class EventsHook(Hook):
    """Appends an event for each window ("metric"), phase, evaluation ("eval"), checkpoint and error; keeps a heartbeat.

    So are the commands that were dealt with, and what other hooks tell. Main rank only. Each event of metrics holds
    plain numbers by name.
    """

    priority: ClassVar[str] = "VERY_LOW"

    def __init__(self, spec: EventsHookSpec):
        self.spec = spec
        self._writer: EventWriter | None = None
        self._runner: Runner | None = None
        self._beat = 0.0
        self._rate: tuple[float, int] = (0.0, 0)  # when, and iter: where the speed is measured from
        self._fresh = FreshMetrics()
        self._checkpoint: Path | None = None

    def before_run(self, runner: "Runner") -> None:
        if runner.work_dir is None:
            raise ValueError("the Events hook needs a place to write to: give the Runner a work_dir")
        if not runner.is_main:
            return
        runner.work_dir.mkdir(parents=True, exist_ok=True)
        self._runner, self._folder = runner, runner.work_dir
        self._writer = EventWriter(self._folder / EVENTS, attempt=runner.attempt)
        self._fresh.skip(runner.progress)
        self._checkpoint = runner.last_checkpoint
        self._rate = (time.monotonic(), runner.iter)
        if self._on_phase not in runner.phase_listeners:
            runner.phase_listeners.append(self._on_phase)
            runner.batch_listeners.append(self._on_batch)
            runner.command_listeners.append(self._on_command)
            runner.event_listeners.append(self._event)
        self._on_phase(runner.phase)

    def after_train_iter(self, runner: "Runner") -> None:
        self._tell_news(runner)
        self._on_batch()

    def after_train_epoch(self, runner: "Runner") -> None:
        self._tell_news(runner)

    def after_val_iter(self, runner: "Runner") -> None:
        self._on_batch()

    def after_val_epoch(self, runner: "Runner") -> None:
        self._tell_news(runner)

    def after_run(self, runner: "Runner") -> None:
        self._tell_news(runner)
        reason = runner.stop_reason or "complete"
        self._event("log", {"level": "info", "message": f"training ended at iter {runner.iter}: {reason}"})
        self._close(runner, phase="stopped" if runner.stop_reason else "finished")

    def rewind(self, runner: "Runner") -> None:
        self._fresh = FreshMetrics()
        self._fresh.skip(runner.progress)
        self._checkpoint = runner.last_checkpoint
        self._rate = (time.monotonic(), runner.iter)

    def on_exception(self, runner: "Runner") -> None:
        error = runner.exception
        try:
            self._event("error", {"type": type(error).__name__, "message": str(error)})
            self._close(runner, phase="failed")
        except OSError as unwritten:  # often the very thing that ended the run: a full disk
            runner.logger.warning("that the run failed could not be written down: %s", unwritten)

    def _event(self, kind: Kind, data: Mapping[str, Any]) -> None:
        if self._writer is not None and self._runner is not None:
            self._writer.write(kind, data, step=self._runner.iter, epoch=self._runner.epoch)

    def _on_phase(self, phase: "Phase") -> None:
        if self._writer is None:
            return
        assert self._runner is not None
        self._event("phase", {"phase": phase})
        self._write_progress(self._runner)

    def _on_batch(self) -> None:
        if self._writer is not None and time.monotonic() - self._beat >= self.spec.heartbeat:
            assert self._runner is not None
            self._write_progress(self._runner)

    def _on_command(self, command: Command, outcome: str) -> None:
        self._event("command", {"id": command.id, "command": command.kind, "outcome": outcome})

    def _tell_news(self, runner: "Runner") -> None:
        if self._writer is None:
            return
        if runner.log_buffer.ready and runner.mode == "train":
            self._event("metric", runner.log_buffer.output)
        fresh = self._fresh.take(runner.progress)
        if fresh:
            self._event("eval", fresh)
        if runner.last_checkpoint != self._checkpoint:
            self._checkpoint = runner.last_checkpoint
            self._event("checkpoint", {"path": f"{FOLDER}/{self._checkpoint.name}" if self._checkpoint else None})

    def _write_progress(self, runner: "Runner", *, phase: str | None = None) -> None:
        if self._writer is None:
            return
        now = time.monotonic()
        self._beat = now
        since, iter = self._rate
        speed = (runner.iter - iter) / (now - since) if now > since else 0.0
        progress = runner.progress
        write_json(
            self._folder / PROGRESS,
            {
                "v": VERSION,
                "t": round(time.time(), 3),
                "attempt": self._writer.attempt,
                "phase": phase or runner.phase,
                "iter": runner.iter,
                "max_iters": runner.max_iters,
                "epoch": runner.epoch,
                "max_epochs": runner.max_epochs,
                "iters_per_s": round(speed, 4),
                "eta_s": round((runner.max_iters - runner.iter) / speed, 1) if speed and runner.max_iters else None,
                "last": {
                    name: _finite(value) for name, value in {**runner.log_buffer.output, **progress.metrics}.items()
                },
                "best": {
                    name: {"value": _finite(best.value), "iter": best.iter} for name, best in progress.best.items()
                },
            },
            durable=False,
        )

    def _close(self, runner: "Runner", *, phase: str) -> None:
        if self._writer is not None:
            self._write_progress(runner, phase=phase)
            self._writer.close()
            self._writer = None


def _finite(value: float) -> float | None:
    """JSON has no other numbers."""
    return value if abs(value) != float("inf") and value == value else None
