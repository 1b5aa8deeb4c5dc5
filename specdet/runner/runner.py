"""Runner: the loop that trains, and what hooks see of it."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Literal

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import nn

from specdet.runner import resume as resuming
from specdet.runner.accelerator import make_accelerator
from specdet.runner.accumulation import share_normalizers
from specdet.runner.asks import Asks
from specdet.runner.batch_processor import BatchProcessor, Outputs, batch_processor, checked_outputs
from specdet.runner.checkpoint import FOLDER, remove_leftovers
from specdet.runner.environment import Environment
from specdet.runner.evaluated import EvaluatedImages
from specdet.runner.hooks.control import Abandoned, ControlHook
from specdet.runner.hooks.ema import AveragedWeights
from specdet.runner.hooks.log_window import LogWindow
from specdet.runner.hooks.lr import LrHook, Schedule
from specdet.runner.loading import in_rounds, next_batch, seek, steps_per_epoch, to_device
from specdet.runner.log_buffer import LogBuffer
from specdet.runner.logger import get_root_logger
from specdet.runner.nonfinite import Nonfinite, Policy, RollBack
from specdet.runner.plan import Plan, Workflow
from specdet.runner.recent_steps import RecentSteps
from specdet.runner.rollback import roll_back
from specdet.runner.signals import StopSignals
from specdet.runner.spec import PeriodSpec
from specdet.runner.with_bad_images import WithBadImages
from specdet.runner.with_hooks import WithHooks
from specdet.runner.with_phases import WithPhases
from specdet.runner.with_progress import WithProgress
from specdet.runs.meta import update_meta


class Runner(WithHooks, WithPhases, WithBadImages, WithProgress):
    """Trains a model under Accelerate, with hooks (after mmcv's Runner) for all that is not the loop itself.

    One clock: `iter` is the number of optimizer steps completed and goes up before `after_train_iter`; `epoch` is the
    number of training epochs completed and goes up before `after_train_epoch`; `inner_iter` is the index of the current
    step, or validation batch, in its epoch. One iter takes `accumulate` batches of each rank, loaded together; batches
    at the end of an epoch that do not fill an iter are dropped.

    Loaders are not prepared by Accelerate: ours deal batches to ranks themselves, and a prepared loader hides its
    sampler, fetches one batch ahead, and does not save its position, so that no run could be resumed exactly. Batches
    are moved to the device here. A loader that can be resumed has `batch_sampler.seek(epoch=, batch=)`.

    Args:
        model: The model, on any device; parameters that shall stay fixed already have `requires_grad` off.
        batch_processor: `(model, batch, train_mode) -> {"loss", "log_vars", "num_samples"}`.
        optimizer: Of the parameters of `model`; None to validate only.
        work_dir: The run directory.
        accelerator: From `make_accelerator`; made in fp32 unless given.
        schedule: Gives `factor(iter=, iters_per_epoch=, max_iters=)`, which learning rates are multiplied by.
        seed: Of dropout and the like; each rank derives its own.
        meta: JSON values to keep in each checkpoint.
        accumulate: Batches of each rank that make one optimizer step.
        accept_differences: Resume although versions, processes or the spec differ, and log how.
        log_every: The window of averages.
        spec_text: The resolved spec, kept in each checkpoint and compared on resume.
        asks: What the run is asked for from outside; without, it hears signals only.
        attempt: Which start of the run this is, from 1; the one after the last that its events tell of unless given.
        classes: Names in the order of the labels, kept in each checkpoint for whoever opens it.
        on_nonfinite: What to do about losses and weights that are no finite numbers, see `Nonfinite`.
        max_skipped_steps: So many steps that are left out one after the other end the run; no matter unless given.

    Attributes:
        mode: "train" or "val".
        is_main: Whether this process writes files and lines.
        data_seconds: How long the batches of this step were waited for.
        outputs: What the batch processor gave last.
        evaluate: What the Evaluation hook calls for metrics by name, equal on all ranks; set by the owner.
        evaluated: The images that it looks at, where whoever sets it tells.
        averaged: The averaged weights to validate with, where a hook keeps some.
        resumed: The checkpoint that it went on from last, if from any.
        log_window, recent_steps, nonfinite: The open window of averages, what was done in it, and who looks whether
            that were numbers.
    """

    def __init__(
        self,
        model: nn.Module,
        batch_processor: BatchProcessor = batch_processor,
        optimizer: torch.optim.Optimizer | None = None,
        work_dir: str | Path | None = None,
        log_level: int | str = logging.INFO,
        *,
        accelerator: Accelerator | None = None,
        schedule: Schedule | None = None,
        seed: int = 0,
        logger: logging.Logger | None = None,
        meta: Mapping[str, Any] | None = None,
        accumulate: int = 1,
        accept_differences: bool = False,
        log_every: PeriodSpec | None = None,
        spec_text: str | None = None,
        asks: Asks | None = None,
        attempt: int | None = None,
        classes: Sequence[str] = (),
        on_nonfinite: Policy = "raise",
        max_skipped_steps: int | None = None,
    ):
        super().__init__()
        if not callable(batch_processor):
            raise TypeError(f"batch_processor must be callable, got {type(batch_processor).__name__}")
        self.accelerator = accelerator or make_accelerator(accumulate=accumulate)
        prepared_for = self.accelerator.gradient_accumulation_steps
        if prepared_for != accumulate:
            raise ValueError(
                f"accumulate is {accumulate}, but the accelerator was made for {prepared_for}: "
                f"use make_accelerator(precision, {accumulate})"
            )
        self.rank, self.world_size = self.accelerator.process_index, self.accelerator.num_processes
        self.is_main = self.accelerator.is_main_process
        self.logger = logger or get_root_logger(log_level, rank=self.rank, world_size=self.world_size)
        self.work_dir = None if work_dir is None else Path(work_dir)
        self.batch_processor = batch_processor
        self.accumulate, self.seed, self.accept_differences = accumulate, seed, accept_differences
        self.meta, self.spec_text, self.classes = dict(meta or {}), spec_text, tuple(classes)
        self.model, self.optimizer = self.accelerator.prepare(model, optimizer)
        self.unwrapped_model: nn.Module = self.accelerator.unwrap_model(self.model)
        resuming.save_unwrapped(self.accelerator)

        self.mode: Literal["train", "val"] = "train"
        self.inner_iter = self.iters_per_epoch = 0
        self.data_seconds = 0.0
        self.outputs: Outputs | None = None
        self.log_buffer = LogBuffer(self.accelerator)
        self.evaluate: Callable[[], Mapping[str, float]] | None = None
        self.evaluated: EvaluatedImages | None = None
        self.averaged: AveragedWeights | None = None
        self.last_checkpoint: Path | None = None
        self.attempt = attempt
        self._asks = asks or Asks()
        self._control = ControlHook(self._asks, accelerator=self.accelerator)
        self.resumed: resuming.Resumed | None = None
        self.recent_steps = RecentSteps()
        self.nonfinite = Nonfinite(self, policy=on_nonfinite, most=max_skipped_steps)
        self.log_window = LogWindow(log_every or PeriodSpec(iters=50))
        self.register_hook(self.log_window, name="log_window")
        self.register_hook(self._control, name="control")
        if schedule is not None:
            self.register_hook(LrHook(schedule), name="lr")

    @property
    def checkpoint_folder(self) -> Path:
        """Where checkpoints lie. Raises ValueError for a runner without work_dir."""
        if self.work_dir is None:
            raise ValueError("checkpoints need a place: give the Runner a work_dir")
        return self.work_dir / FOLDER

    # -- what hooks ask for

    def measure(self) -> bool:
        """Evaluate now, on all ranks together, and take over the metrics; False where that was broken off."""
        assert self.evaluate is not None, "there is something to evaluate"
        try:
            with self.validating():
                metrics = self.evaluate()
        except Abandoned:
            return False
        self.record_metrics(metrics)
        return True

    def between_batches(self, done: int) -> None:
        """What an evaluation calls after each batch, on every rank equally often, with the number of batches done.

        Raises:
            Abandoned: On every rank, where the run is to stop.
        """
        self.moves += 1
        for listener in self.batch_listeners:
            listener()
        if self._control.leaves(self, batch=done):
            raise Abandoned

    # -- the loop

    def run(
        self, loaders: Sequence[Any], workflow: Workflow, max_epochs: int | None = None, *, max_iters: int | None = None
    ) -> None:
        """Train and validate until `max_epochs` or `max_iters`, or until asked to stop.

        Args:
            loaders: One for each entry of the workflow.
            workflow: Phases and how many epochs of each, such as [("train", 1), ("val", 1)], over and over.
            max_epochs, max_iters: One of the two: training epochs, or optimizer steps.

        Raises:
            ValueError: For a workflow that cannot be run.
            FloatingPointError: When a loss is not finite any more.
        """
        self.plan = Plan.make(loaders, workflow, max_epochs=max_epochs, max_iters=max_iters, accumulate=self.accumulate)
        if self.progress.entry >= len(self.plan.workflow):  # resumed, knowingly, with another workflow
            self.progress.entry = self.progress.done = 0
        try:
            with StopSignals(self._asks):
                self._start()
                while True:
                    try:
                        self._run(loaders)
                        break
                    except RollBack as error:
                        roll_back(self, error)
        except BaseException as error:  # hooks are told of an interrupt, too, before it goes on
            self.exception = error
            self.call_hook("on_exception")
            raise

    def _run(self, loaders: Sequence[Any]) -> None:
        while self.stop_reason is None and not (self.complete and self.progress.entry == 0):
            mode, _ = self.plan.workflow[self.progress.entry]
            (self.train if mode == "train" else self.val)(loaders[self.progress.entry])
        if self.stop_reason is not None:
            self.logger.info("stopped at iter %d: %s", self.iter, self.stop_reason)
        self.check_finite(self.log_buffer.peek_nonfinite())  # before anybody takes it for the end
        self.call_hook("after_run")

    def train(self, loader: Any) -> None:
        """One training epoch, or what is left of it where it is resumed."""
        self.mode, progress, device = "train", self.progress, self.accelerator.device
        self.model.train()
        self.iters_per_epoch = steps_per_epoch(loader, accumulate=self.accumulate)
        start = progress.batch // self.accumulate
        progress.batch = start * self.accumulate
        seek(loader, epoch=progress.epoch, batch=progress.batch)
        with self.in_phase("train"):
            self.call_hook("before_train_epoch")
            batches = iter(loader)
            for inner_iter in range(start, self.iters_per_epoch):
                self.inner_iter = inner_iter
                asked = time.perf_counter()
                group = [to_device(next_batch(batches, loader=loader), device) for _ in range(self.accumulate)]
                self.data_seconds = time.perf_counter() - asked
                self.note_bad_images(group)
                if self.resumed is not None:
                    self.resumed.restore_random_states()
                self.call_hook("before_train_iter")
                self._step(group)
                progress.iter += 1
                progress.batch += self.accumulate
                self.call_hook("after_train_iter")
                if self.stop_reason is not None:
                    return
                if self.complete and inner_iter + 1 < self.iters_per_epoch:
                    self.plan.advance(progress)
                    return
            if self.resumed is not None:
                self.resumed.restore_random_states()
            progress.epoch += 1
            progress.batch = 0
            self.plan.advance(progress)
            self.call_hook("after_train_epoch")

    def val(self, loader: Any) -> None:
        """One validation epoch: losses in eval mode, averaged into `metrics` as `val/...`."""
        self.mode = "val"
        self.call_hook("before_val_epoch")
        self.log_buffer.clear()
        with self.validating():
            for inner_iter, batch in enumerate(in_rounds(loader, accelerator=self.accelerator)):
                if batch is not None:
                    self._validate(batch, inner_iter)
                if self._control.leaves(self, batch=inner_iter + 1):
                    break
        if self.stop_reason is not None:
            return  # an epoch that is not finished counts for nothing
        self.plan.advance(self.progress)
        self.record_metrics({f"val/{name}": value for name, value in self.log_buffer.average().items()})
        self.call_hook("after_val_epoch")
        self.log_buffer.clear()

    @contextmanager
    def validating(self) -> Iterator[None]:
        """Eval mode without gradients, with averaged weights where a hook keeps some; afterwards all is as before."""
        was_training = self.model.training
        self.model.eval()
        try:
            with self.in_phase("eval"), torch.no_grad(), self.averaged.swapped_in() if self.averaged else nullcontext():
                if self.world_size > 1:  # each rank has statistics of its own, averaged or not; those of rank 0 count
                    for buffer in self.unwrapped_model.buffers():
                        torch.distributed.broadcast(buffer, src=0)
                yield
        finally:
            self.model.train(was_training)

    # -- checkpoints

    def save_checkpoint(self) -> Path:
        """Write a checkpoint, on all ranks together, and give its folder.

        Raises:
            FloatingPointError: Instead of keeping weights that a loss which is not finite has spoilt.
        """
        self.check_finite(self.log_buffer.peek_nonfinite())
        with self.in_phase("save"):
            self.last_checkpoint = resuming.save(self)
        self.logger.info("saved %s", self.last_checkpoint)
        return self.last_checkpoint

    def load_checkpoint(self, filename: str | Path, *, strict: bool = True) -> None:
        """Load weights only, from a checkpoint folder, a .safetensors file or a .pth file with a state dict.

        Raises:
            ValueError: Naming the file, and the weights that are missing, unexpected or of another shape.
        """
        resuming.load_weights(self.unwrapped_model, Path(filename), strict=strict)
        self.logger.info("loaded weights from %s", filename)

    def resume(self, checkpoint: str | Path) -> None:
        """Go on from a checkpoint, or from the last whole one of a run folder, as if never interrupted.

        Raises:
            ValueError: For a damaged checkpoint; for one that was trained with something else, unless
                `accept_differences`: the message lists what differs.
            FileNotFoundError: Where there is none.
        """
        self.resumed = resuming.resume(self, Path(checkpoint))

    def check_finite(self, nonfinite: Mapping[str, int], *, closes: bool = False) -> None:
        """Act if losses are among these counts of values of the current window, or weights are spoilt."""
        self.nonfinite.check(nonfinite, first_iter=self.log_window.first_iter, closes=closes)

    # -- parts of the loop

    def _start(self) -> None:
        if self.work_dir is not None and self.is_main:
            self.checkpoint_folder.mkdir(parents=True, exist_ok=True)
            for path in remove_leftovers(self.checkpoint_folder):
                self.logger.info("removed %s, which was not finished", path)
        if self.resumed is None:
            set_seed(self.seed, device_specific=True)
        self.call_hook("before_run")
        if self.resumed is not None:
            resuming.restore_hooks(self, self.resumed)
        self.logger.info("hooks, in order:\n  %s", "\n  ".join(self.hook_order))
        if self.work_dir is not None and self.is_main:
            here = Environment.here(self.accelerator, seed=self.seed)
            update_meta(self.work_dir, hooks=self.hook_order, world_size=here.world_size, threads=here.threads,
                        precision=here.precision, device=here.device)  # fmt: skip

    def _step(self, group: Sequence[Any]) -> None:
        if len(group) > 1:
            group = share_normalizers(self.unwrapped_model, group, accelerator=self.accelerator)
        for batch in group:
            with self.accelerator.accumulate(self.model):  # gradients of ranks are averaged with the last of the group
                self.outputs = checked_outputs(
                    self.batch_processor(self.model, batch, train_mode=True), self.batch_processor
                )
                values = self.outputs["log_vars"]
                row = self.log_buffer.update(values, self.outputs["num_samples"])
                if row is not None:
                    self.recent_steps.note(self.iter + 1, batch, names=tuple(values), row=row)
                self.call_hook("after_train_forward")

    def _validate(self, batch: Any, inner_iter: int) -> None:
        self.inner_iter = inner_iter
        self.note_bad_images([batch])
        self.call_hook("before_val_iter")
        # The model itself, not its DDP wrapper, whose buffers are broadcast at each call: shares may be uneven.
        outputs = self.batch_processor(
            self.unwrapped_model, to_device(batch, self.accelerator.device), train_mode=False
        )
        self.outputs = checked_outputs(outputs, self.batch_processor)
        self.log_buffer.update(self.outputs["log_vars"], self.outputs["num_samples"])
        self.call_hook("after_val_iter")
