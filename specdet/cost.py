"""Cost: what a training will take, told before it is launched. What cannot be told says why."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from specdet.spec import Problem, SpecError

if TYPE_CHECKING:
    import numpy as np

    from specdet.checks.step_time import StepTime
    from specdet.experiment import Experiment
    from specdet.runner.memory import ModelSize, TrainingMemory
    from specdet.spec import Spec


@attrs.frozen(kw_only=True)
class SizeRange:
    """Heights and widths of the training images before their transforms, px."""

    height: tuple[int, int]
    width: tuple[int, int]


@attrs.frozen(kw_only=True)
class BatchShape:
    """The largest batch of one device that training can meet: images, and their padded height and width, px."""

    images: int
    height: int
    width: int


@attrs.frozen(kw_only=True)
class Checkpoints:
    """How many checkpoints a finished training leaves at most, and the bytes of each, estimated."""

    kept: int
    bytes_each: int

    @property
    def total(self) -> int:
        """Bytes of all of them."""
        return self.kept * self.bytes_each


@attrs.frozen(kw_only=True)
class Cost:
    """What a training takes; a fact that cannot be told is None, and `unknown` holds the sentence why.

    Attributes:
        processes: How many train together, one a device.
        device: What trains here: "cpu", or the name of a GPU.
        device_memory: All it has, bytes.
        precision: Of the forward pass on this device, or None where it cannot do what the spec says.
        train_images, val_images: As many as are trained and evaluated on, after the data sets' own filters.
        classes: Names in the order of the labels.
        steps_per_epoch, steps: Optimizer steps.
        epochs: Begun; the last need not be whole.
        memory: Of a training step with the largest batch on one device.
        step_time: Measured, where that was asked for.
        unknown: Why a fact is not told, by its name.
        problems: What was met on the way that a training would not start with; paths from the root.
    """

    processes: int
    device: str
    device_memory: int
    precision: str | None = None
    model: "ModelSize | None" = None
    train_images: int | None = None
    val_images: int | None = None
    classes: tuple[str, ...] | None = None
    sizes: SizeRange | None = None
    epochs: int | None = None
    steps_per_epoch: int | None = None
    steps: int | None = None
    batch: BatchShape | None = None
    checkpoints: Checkpoints | None = None
    memory: "TrainingMemory | None" = None
    step_time: "StepTime | None" = None
    unknown: Mapping[str, str] = attrs.field(factory=dict)
    problems: tuple[Problem, ...] = ()


def cost(
    experiment: "Experiment", *, processes: int = 1, time: bool = False, folders: Sequence[Path] | None = None
) -> Cost:
    """What the training of an experiment takes on this machine; opens annotations, but no image and no weights.

    Args:
        processes: How many train together, one a device.
        time: Measure real steps as well, which takes up to half a minute and the memory of a step.
        folders: The only ones from which data may be opened; all may be unless given.
    """
    from specdet.checks.device import own_device
    from specdet.checks.memory import device_memory, device_name

    device = own_device()
    told = _Told()
    data = _Sets.open(experiment, told, folders=folders)
    _tell_length(experiment, told, sizes=data.train_sizes, processes=processes)
    _tell_model(experiment, told)
    _tell_memory(experiment, told, device=device, sizes=data.train_sizes)
    if time:
        _tell_time(experiment, told, device=device)
    else:
        told.unknown["step_time"] = "it was not measured: ask with --time"
    return Cost(
        processes=processes,
        device=device_name(device),
        device_memory=device_memory(device),
        unknown=told.unknown,
        problems=tuple(told.problems),
        **told.facts,
    )


class _Told:
    """The facts as they come together."""

    def __init__(self) -> None:
        self.facts: dict[str, Any] = {}
        self.unknown: dict[str, str] = {}
        self.problems: list[Problem] = []

    def why_not(self, *facts: str, error: Exception) -> None:
        """Write down why some facts are not told."""
        if isinstance(error, SpecError):
            self.problems += error.problems
            first, *more = error.problems
            text = ": ".join(part for part in (first.path, first.message) if part)
            said = text + (f" (and {len(more)} more)" if more else "")
        else:
            said = str(error)
        self.unknown |= dict.fromkeys(facts, said)


@attrs.frozen(kw_only=True, eq=False)
class _Sets:
    """Of the data sets: (n, 2) heights and widths of the training images, or None where they cannot be read."""

    train_sizes: "np.ndarray | None" = None

    @classmethod
    def open(cls, experiment: "Experiment", told: _Told, *, folders: Sequence[Path] | None) -> "_Sets":
        from specdet.checks.sets import open_set, root_must_exist

        data, of_training = experiment.data, ("train_images", "classes", "sizes")
        try:
            root_must_exist(data)
        except SpecError as error:
            told.why_not(*of_training, "val_images", error=error)
            return cls()
        try:
            training = open_set(data.train, path="data.train", training=True, folders=folders)
        except SpecError as error:
            told.why_not(*of_training, error=error)
            training = None
        _tell_validation(data.val, told, folders=folders)
        if training is None:
            return cls()
        sizes = training.sizes
        (low_height, low_width), (high_height, high_width) = sizes.min(axis=0).tolist(), sizes.max(axis=0).tolist()
        told.facts |= {
            "train_images": len(sizes),
            "classes": training.classes,
            "sizes": SizeRange(height=(low_height, high_height), width=(low_width, high_width)),
        }
        return cls(train_sizes=sizes)


def _tell_validation(val: "Spec | None", told: _Told, *, folders: Sequence[Path] | None) -> None:
    from specdet.checks.sets import open_set

    if val is None:
        told.unknown["val_images"] = "the spec has no data.val, so nothing is evaluated"
        return
    try:
        told.facts["val_images"] = len(open_set(val, path="data.val", training=False, folders=folders))
    except SpecError as error:
        told.why_not("val_images", error=error)


def _tell_length(experiment: "Experiment", told: _Told, *, sizes: "np.ndarray | None", processes: int) -> None:
    from specdet.data.sampler import EpochBatchSampler
    from specdet.runner.loading import steps_per_epoch
    from specdet.runner.plan import Plan

    train, data = experiment.train, experiment.data
    told.facts |= {"epochs": train.max_epochs, "steps": train.max_iters}
    missing = ("steps_per_epoch", "epochs" if train.max_epochs is None else "steps")
    if sizes is None:
        told.unknown |= dict.fromkeys(missing, "it depends on how many training images there are")
        return
    try:
        sampler = EpochBatchSampler(
            sizes,
            images_per_device=data.images_per_device,
            seed=experiment.seed,
            world_size=processes,
            group_by_aspect=data.group_by_aspect,
        )
        told.facts["steps_per_epoch"] = steps_per_epoch(sampler, accumulate=train.accumulate)
        plan = Plan.make(
            [sampler] * len(train.workflow),
            train.workflow,
            max_epochs=train.max_epochs,
            max_iters=train.max_iters,
            accumulate=train.accumulate,
        )
    except ValueError as error:
        told.why_not(*missing, error=SpecError.one(str(error), path="data.images_per_device"))
        return
    told.facts |= {"epochs": plan.max_epochs, "steps": plan.max_iters}


def _tell_model(experiment: "Experiment", told: _Told) -> None:
    from specdet.checks.memory import model_without_weights
    from specdet.runner.memory import model_size

    try:
        size = model_size(model_without_weights(experiment), optimizer=experiment.optimizer, hooks=experiment.hooks)
    except SpecError as error:
        told.why_not("model", "checkpoints", error=error)
        return
    except (ValueError, RuntimeError) as error:
        said = f"the model cannot be built: {next(iter(str(error).splitlines()), type(error).__name__)}"
        told.why_not("model", "checkpoints", error=SpecError.one(said, path="model"))
        return
    told.facts["model"] = size
    kept = kept_checkpoints(experiment, epochs=told.facts["epochs"], steps=told.facts["steps"])
    if kept is None:
        told.unknown["checkpoints"] = "all are kept, and how many there will be depends on how long the training is"
    else:
        told.facts["checkpoints"] = Checkpoints(kept=kept, bytes_each=size.checkpoint)


def kept_checkpoints(experiment: "Experiment", *, epochs: int | None, steps: int | None) -> int | None:
    """How many checkpoints a training that is not stopped leaves at most; None where its length must be known for that.

    Each Checkpoint hook keeps its newest, and the best where it watches a metric. A last one is written at the end.
    """
    from specdet.runner.spec import CheckpointHookSpec, enabled_hooks

    kept: list[int | None] = []
    for hook in enabled_hooks(experiment.hooks).values():
        if not isinstance(hook, CheckpointHookSpec):
            continue
        written = None
        if hook.every.iters is not None and steps is not None:
            written = -(-steps // hook.every.iters)
        elif hook.every.epochs is not None and epochs is not None:
            written = -(-epochs // hook.every.epochs)
        last = written if hook.keep_last == "all" else min(hook.keep_last, written or hook.keep_last)
        kept.append(None if last is None else last + bool(hook.keep_best))
    if any(each is None for each in kept):
        return None
    return max((each for each in kept if each is not None), default=0)


def _tell_memory(experiment: "Experiment", told: _Told, *, device: Any, sizes: "np.ndarray | None") -> None:
    from specdet.checks.memory import Unknown, memory_needed
    from specdet.checks.sets import largest_shape
    from specdet.runner.precision import resolve_precision

    data = experiment.data
    size = largest_shape(data, sizes=sizes)
    if size is None:
        told.unknown["batch"] = "how large the images are after the transforms is only seen when they are opened"
    else:
        told.facts["batch"] = BatchShape(images=data.images_per_device, height=size[0], width=size[1])
    try:
        told.facts["precision"] = resolve_precision(experiment.train.precision, device=device.type)
    except ValueError as error:
        told.why_not("memory", error=SpecError.one(str(error), path="train.precision", kind="environment"))
        return
    if "model" in told.unknown:
        told.unknown["memory"] = told.unknown["model"]
        return
    try:
        told.facts["memory"] = memory_needed(experiment, device=device, size=size)
    except (Unknown, SpecError, ValueError) as error:
        told.why_not("memory", error=error)


def _tell_time(experiment: "Experiment", told: _Told, *, device: Any) -> None:
    from specdet.checks.step_time import measured_step

    needed, batch = told.facts.get("memory"), told.facts.get("batch")
    if batch is None or needed is None:
        told.unknown["step_time"] = "no step can be tried: " + told.unknown.get("batch", told.unknown.get("memory", ""))
        return
    try:
        told.facts["step_time"] = measured_step(
            experiment, device=device, size=(batch.height, batch.width), needed=needed.total
        )
    except (RuntimeError, ValueError) as error:
        told.unknown["step_time"] = next(iter(str(error).splitlines()), type(error).__name__)
