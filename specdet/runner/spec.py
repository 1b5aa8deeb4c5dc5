"""Specs of the training loop and its hooks."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import attrs

from specdet.spec import Problem, Published, Spec, field, spec

DEFAULT_EPOCHS = 12  # the field's 1x schedule


@spec
class PeriodSpec(Spec):
    """How often: every so many optimizer steps, or every so many training epochs."""

    iters: int | None = field(default=None, ge=1, unit="optimizer steps", help="Every so many optimizer steps.")
    epochs: int | None = field(default=None, ge=1, unit="epochs", help="Every so many training epochs, at their end.")

    def problems(self) -> Iterable[Problem]:
        if (self.iters is None) == (self.epochs is None):
            both = "both are given; remove one that a base gave with ~, as in ~hooks.evaluate.every.epochs"
            given = both if self.iters is not None else "neither is given"
            yield Problem(path="", message=f"say either iters or epochs: {given}")

    def after_iter(self, iter: int) -> bool:
        """Whether it is time when `iter` optimizer steps are completed."""
        return self.iters is not None and iter % self.iters == 0

    def after_epoch(self, epoch: int) -> bool:
        """Whether it is time when `epoch` training epochs are completed."""
        return self.epochs is not None and epoch % self.epochs == 0


@spec
class TrainSpec(Spec):
    """How long and how to train."""

    max_iters: int | None = field(
        None, ge=1, unit="optimizer steps", help="Train for so many optimizer steps, instead of max_epochs."
    )
    max_epochs: int | None = field(
        attrs.Factory(lambda self: DEFAULT_EPOCHS if self.max_iters is None else None, takes_self=True),
        ge=1,
        unit="epochs",
        help=f"Train for so many epochs; {DEFAULT_EPOCHS} where max_iters is not given either.",
    )
    workflow: tuple[tuple[Literal["train", "val"], int], ...] = field(
        (("train", 1),), ge=1, min_length=1, help="Phases and how many epochs of each, over and over again."
    )
    precision: Literal["auto", "fp32", "bf16", "fp16"] = field(
        "auto",
        help="Number format of the forward pass; auto takes bf16 where the GPU has it, else fp16; fp32 on a CPU.",
    )
    accumulate: int = field(1, ge=1, unit="batches", help="Batches of each device that make one optimizer step.")
    log_every: PeriodSpec = field(
        factory=lambda: PeriodSpec(iters=50), help="Over what losses are averaged and logged."
    )
    load_from: Published | Path | None = field(
        None,
        help="Weights to start from, and nothing else: a checkpoint, a run, a file (specdet's, torchvision's, "
        "mmdetection's, detectron2's), the address of one, or torchvision's name of one.",
    )
    load_strict: bool = field(
        True, help="Refuse weights to start from that lack a part of the model, or have one that it does not have."
    )
    load_classes: Literal["fit", "reset", "keep"] = field(
        "fit",
        help="When layers that depend on the number of classes start anew: where the weights have another number "
        "(fit), always (reset), or never, so that another number is an error (keep).",
    )
    resume_from: Path | None = field(None, help="A checkpoint, or a run with checkpoints, to go on from.")
    accept_differences: bool = field(
        False,
        help="Resume although something differs from what the checkpoint was trained with; each difference is logged.",
    )
    on_nonfinite: Literal["raise", "skip", "rollback"] = field(
        "raise",
        help="When a loss or a weight is no finite number: end the run; leave each step out whose gradient is not "
        "finite (which waits for the device at each step); or go back to the last checkpoint and leave such steps out "
        "up to where it was found. fp16 leaves such steps out in any case.",
    )
    max_skipped_steps: int = field(
        20, ge=0, unit="optimizer steps", help="More steps than this left out one after the other end the run."
    )
    hang_timeout: float = field(
        540.0,
        gt=0,
        unit="s",
        advanced=True,
        help="End a training that has made no step and no batch of an evaluation for so long, and say which process is "
        "stuck where. Above 600 s NCCL ends it first, and does not say.",
    )
    threads_per_process: int | Literal["auto"] = field(
        "auto", ge=1, advanced=True, help="CPU threads of each process; auto shares the cores between the processes."
    )

    def problems(self) -> Iterable[Problem]:
        if self.max_iters is not None and self.max_epochs is not None:
            yield Problem(
                path="max_iters",
                message='say either max_iters or max_epochs: remove the other with unset = ["train.max_epochs"], '
                "or ~train.max_epochs on the command line",
            )
        if self.max_iters is None and self.max_epochs is None:
            yield Problem(path="max_epochs", message="say max_epochs or max_iters")
        if all(mode != "train" for mode, _ in self.workflow):
            yield Problem(path="workflow", message='nothing would be trained: add a ["train", 1]')
        if self.load_from is not None and self.resume_from is not None:
            yield Problem(path="load_from", message="resume_from brings its own weights: unset one of the two")


@spec
class GradClipSpec(Spec):
    """Gradient clipping by the norm over all parameters."""

    max_norm: float = field(gt=0, help="A longer gradient is scaled down to this norm.")
    norm_type: float = field(2.0, gt=0, help="The p of the p-norm.")


@spec
class HookSpec(Spec):
    """What hooks share, and what a kind of hook tells of itself before any is built."""

    steps_optimizer: ClassVar[bool] = False
    measures: ClassVar[bool] = False  # calls the evaluators of [eval]
    saves: ClassVar[bool] = False  # writes checkpoints
    watches: ClassVar[tuple[str, ...]] = ()  # its fields that name a metric
    weight_copies: ClassVar[int] = 0  # how often it keeps all weights of the model
    alone_in: ClassVar[str] = ""  # what only one hook may do: "averages the weights"

    enabled: bool = field(True, help="Whether the hook takes part; false keeps its settings for another time.")

    def clash(self, other: "HookSpec") -> str:
        """What this hook does that `other` does already, though only one may; an empty string where both go well."""
        return self.alone_in if type(self) is type(other) else ""


def enabled_hooks(hooks: Mapping[str, Any]) -> dict[str, Any]:
    """The hooks that take part, in their order."""
    return {name: hook for name, hook in hooks.items() if getattr(hook, "enabled", True)}


@spec
class OptimizerHookSpec(HookSpec):
    """Backward, clipping and the optimizer step."""

    builds: ClassVar[str] = "specdet.runner.hooks.optimizer:OptimizerHook"
    steps_optimizer: ClassVar[bool] = True
    grad_clip: GradClipSpec | None = field(None, help="Clip gradients, and log their norm before clipping.")


@spec
class CheckpointHookSpec(HookSpec):
    """Writes checkpoints during training and at its end, and removes old ones."""

    builds: ClassVar[str] = "specdet.runner.hooks.checkpoint:CheckpointHook"
    saves: ClassVar[bool] = True
    watches: ClassVar[tuple[str, ...]] = ("keep_best",)
    every: PeriodSpec = field(factory=lambda: PeriodSpec(epochs=1), help="How often a checkpoint is written.")
    keep_last: int | Literal["all"] = field(3, ge=1, help="How many of the newest are kept.")
    keep_best: str | None = field(
        None, reference=True, help='A metric, such as "bbox/AP": the checkpoint with the best is kept as well.'
    )
    mode: Literal["max", "min"] = field("max", help="Whether more or less of the keep_best metric is better.")

    def clash(self, other: HookSpec) -> str:
        """Two go well where neither removes anything and only one names a best checkpoint."""
        if not isinstance(other, CheckpointHookSpec):
            return ""
        if self.keep_best and other.keep_best:
            return "keeps the best checkpoint"
        return "" if self.keep_last == other.keep_last == "all" else "removes old checkpoints"


@spec
class TextLogHookSpec(HookSpec):
    """Losses, rates and metrics as text: a progress bar on a terminal, a line a window elsewhere."""

    builds: ClassVar[str] = "specdet.runner.hooks.text_log:TextLogHook"
    alone_in: ClassVar[str] = "writes the log"
    bar: bool = field(True, help="Show a progress bar where the output is a terminal.")


@spec
class EventsHookSpec(HookSpec):
    """Writes events.jsonl and progress.json into the run directory, which show how a run goes."""

    builds: ClassVar[str] = "specdet.runner.hooks.events:EventsHook"
    alone_in: ClassVar[str] = "writes events.jsonl"
    heartbeat: float = field(1.0, gt=0, unit="s", advanced=True, help="Least time between two writes of progress.json.")


@spec
class TensorBoardHookSpec(HookSpec):
    """Writes losses, rates and metrics for TensorBoard (an extra: pip install 'specdet[tensorboard]')."""

    builds: ClassVar[str] = "specdet.runner.hooks.tensorboard:TensorBoardHook"
    folder: str = field("tensorboard", help="Folder of the event files, inside the run directory.")

    def problems(self) -> Iterable[Problem]:
        if self.folder.startswith(("/", "~")) or ".." in self.folder.split("/"):
            yield Problem(path="folder", message=f"must lie inside the run directory, got '{self.folder}'")


@spec
class EvaluationHookSpec(HookSpec):
    """Measures the evaluators of [eval] during training and at its end."""

    builds: ClassVar[str] = "specdet.runner.hooks.evaluation:EvaluationHook"
    measures: ClassVar[bool] = True
    every: PeriodSpec = field(factory=lambda: PeriodSpec(epochs=1), help="How often to evaluate.")


@spec
class PredictionsHookSpec(HookSpec):
    """Stores, at each evaluation, what was found on some images of data.val, and these images, to be looked at."""

    builds: ClassVar[str] = "specdet.runner.hooks.predictions:PredictionsHook"
    alone_in: ClassVar[str] = "stores predictions"
    images: int = field(
        64, ge=1, unit="images", help="How many images, evenly spaced over data.val; the same ones at each evaluation."
    )
    detections: int = field(100, ge=1, unit="detections", help="How many detections of an image are kept, best first.")
    min_score: float = field(0.05, ge=0, le=1, help="Detections that score less are left out.")
    keep: int | Literal["all"] = field("all", ge=1, unit="evaluations", help="How many of the newest are kept.")
    longest_side: int = field(
        1333,
        ge=32,
        unit="px",
        advanced=True,
        help="Larger images are stored smaller than they are.",
    )


@spec
class EMAHookSpec(HookSpec):
    """Exponential moving average of the weights (Polyak and Juditsky 1992), used wherever the model is evaluated."""

    builds: ClassVar[str] = "specdet.runner.hooks.ema:EMAHook"
    alone_in: ClassVar[str] = "averages the weights"
    weight_copies: ClassVar[int] = 1
    decay: float = field(0.9998, gt=0, lt=1, help="How much of the average each step keeps, once warmed up.")
    warmup: int = field(
        2000,
        ge=0,
        unit="optimizer steps",
        help="The decay after t steps is decay * (1 - exp(-t / warmup)); 0 for none.",
    )


@spec
class EarlyStoppingHookSpec(HookSpec):
    """Ends the training when a metric has stopped getting better."""

    builds: ClassVar[str] = "specdet.runner.hooks.early_stopping:EarlyStoppingHook"
    watches: ClassVar[tuple[str, ...]] = ("metric",)
    metric: str = field(reference=True, help='The metric to watch, such as "bbox/AP".')
    patience: int = field(5, ge=1, unit="evaluations", help="How many evaluations in a row may bring nothing better.")
    mode: Literal["max", "min"] = field("max", help="Whether more or less of the metric is better.")
    min_delta: float = field(0.0, ge=0, help="A smaller change does not count as better.")
