"""How long a training step takes on this machine, measured: the real model and optimizer on made-up input."""

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Literal

import attrs
import psutil
import torch
from torch import Tensor, nn

from specdet.checks.memory import model_without_weights
from specdet.experiment_classes import with_classes
from specdet.runner.batch_processor import batch_processor
from specdet.runner.memory import DTYPES, SLOTS, Step, blank_batch
from specdet.runner.precision import resolve_precision
from specdet.runner.spec import enabled_hooks
from specdet.runner.threads import set_threads
from specdet.structures import Batch, Targets

if TYPE_CHECKING:
    from specdet.experiment import Experiment

WARM_UP, STEPS = 2, 5
PATIENCE = 30.0  # s after which no further step is begun
BOXES = 8  # in a made-up image where nobody says how many
SPARE = 1.1  # what an operation takes beside the estimate


@attrs.frozen(kw_only=True)
class StepTime:
    """The median of some training steps.

    Attributes:
        seconds: Of one step: all its batches forward and backward, and the optimizer.
        steps: How many were measured.
        warm: Whether others had gone before: the first ones take longer.
    """

    seconds: float
    steps: int
    warm: bool


def measured_step(experiment: "Experiment", *, device: torch.device, size: tuple[int, int], needed: int) -> StepTime:
    """Train a few steps with random weights on random images; loading, logging and other processes are not in it.

    Args:
        size: Height and width of a batch, px.
        needed: Bytes that a step takes, as estimated.

    Raises:
        ValueError: Where the device has not as much memory to spare; the message says so.
        RuntimeError: Where the step fails.
    """
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else psutil.virtual_memory().available
    if needed * SPARE > free:
        raise ValueError("it was not measured: a step takes more memory than is free now")
    data, accumulate = experiment.data, experiment.train.accumulate
    trainer = StepTrainer(experiment, device=device)
    batch = trainer.batch(images=data.images_per_device, size=size)
    seconds: list[float] = []
    started = time.perf_counter()
    while len(seconds) < WARM_UP + STEPS and (not seconds or time.perf_counter() - started < PATIENCE):
        seconds.append(trainer.step([batch] * accumulate))
    counted = seconds[WARM_UP:] or seconds[-1:]
    return StepTime(seconds=sorted(counted)[len(counted) // 2], steps=len(counted), warm=len(seconds) > 1)


class StepTrainer:
    """The model of an experiment with random weights, and its optimizer, to take steps on made-up batches with.

    Loading, logging and other processes take no part.

    Args:
        classes: That the model tells apart, where its spec leaves that to the data; as many as are likely unless given.
        processes: How many train together: each of several keeps its gradients twice.

    Raises:
        SpecError, ValueError: For a model or an optimizer that cannot be built.
    """

    def __init__(
        self, experiment: "Experiment", *, device: torch.device, classes: int | None = None, processes: int = 1
    ):
        set_threads(experiment.train.threads_per_process)
        self._experiment, self._device = experiment, device
        self._precision: Literal["fp32", "bf16", "fp16"] = resolve_precision(
            experiment.train.precision, device=device.type
        )
        self._generator = torch.Generator().manual_seed(0)
        known = experiment if classes is None else with_classes(experiment, classes)
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            self._model = model_without_weights(known).build().to(device).train()
        self._optimizer = experiment.optimizer.build(model=self._model)
        hooks = enabled_hooks(experiment.hooks).values()
        copies = sum(getattr(hook, "weight_copies", 0) for hook in hooks)
        self._clip = next((clip for hook in hooks if (clip := getattr(hook, "grad_clip", None))), None)
        self._kept = [[value.clone() for value in self._model.state_dict().values()] for _ in range(copies)]
        if processes > 1:
            self._kept.append([torch.zeros_like(each) for each in self._model.parameters() if each.requires_grad])

    def batch(self, *, images: int, size: tuple[int, int], boxes: int | None = None) -> Batch:
        """A made-up batch on the device, with what the model asks for; `size` in px, height and width."""
        step = Step(
            images=images,
            size=size,
            size_divisor=self._experiment.data.size_divisor,
            accumulate=1,
            precision=self._precision,
            device=self._device,
        )
        model = self._experiment.model
        masks, proposals = getattr(model, "gives_masks", False), getattr(model, "uses_proposals", False)
        made = made_up_batch(step, generator=self._generator, boxes=boxes, masks=masks, proposals=proposals)
        return made.to(self._device)

    def step(self, batches: Sequence[Batch]) -> float:
        """Forward and backward with each of the batches, then the optimizer; gives the seconds."""
        begun = time.perf_counter()
        self._optimizer.zero_grad()
        for batch in batches:
            with self._autocast():
                loss = batch_processor(self._model, batch, train_mode=True)["loss"]
            (loss / len(batches)).backward()
        if self._clip is not None:
            nn.utils.clip_grad_norm_(self._model.parameters(), self._clip.max_norm, self._clip.norm_type)
        self._optimizer.step()
        self._wait()
        return time.perf_counter() - begun

    def evaluate(self, batch: Batch) -> float:
        """Find the objects of a batch as an evaluation does; gives the seconds."""
        begun = time.perf_counter()
        self._model.eval()
        with torch.inference_mode(), self._autocast():
            self._model(batch)
        self._model.train()
        self._wait()
        return time.perf_counter() - begun

    def _autocast(self) -> AbstractContextManager[object]:
        dtype = DTYPES.get(self._precision)
        return torch.autocast(self._device.type, dtype=dtype) if dtype else nullcontext()

    def _wait(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)


def made_up_batch(
    step: Step, *, generator: torch.Generator, boxes: int | None = None, masks: bool = False, proposals: bool = False
) -> Batch:
    """Noise, with boxes of any size in each image, and masks that are no smaller than the image.

    Args:
        boxes: In each image; some, and as many slots as an estimate has, unless given.
    """
    blank = blank_batch(step, masks=False, proposals=proposals)
    slots, boxes = (SLOTS, BOXES) if boxes is None else (max(1, boxes), boxes)
    used = torch.arange(slots).lt(boxes).repeat(step.images, 1)
    found = torch.zeros((step.images, slots, 4))
    found[:, :boxes] = _some_boxes(step, boxes, generator=generator)
    return attrs.evolve(
        blank,
        images=torch.randint(0, 256, blank.images.shape, dtype=torch.uint8, generator=generator),
        targets=Targets(
            boxes=found,
            labels=used.long() - 1,
            crowd=torch.zeros_like(used),
            masks=torch.ones((step.images, slots, *step.size), dtype=torch.uint8) if masks else None,
        ),
        proposals=None if blank.proposals is None else _some_boxes(step, blank.proposals.shape[1], generator=generator),
    )


def _some_boxes(step: Step, count: int, *, generator: torch.Generator) -> Tensor:
    """(images, count, 4) xyxy, px; of any size, at least a pixel, within the image."""
    height, width = step.size
    corners = torch.rand((step.images, count, 2, 2), generator=generator) * torch.tensor([width - 1, height - 1])
    return torch.cat([corners.amin(dim=2), corners.amax(dim=2) + 1], dim=-1)
