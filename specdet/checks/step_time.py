"""How long a training step takes on this machine, measured: the real model and optimizer on made-up input."""

import time
from contextlib import nullcontext
from typing import TYPE_CHECKING

import attrs
import psutil
import torch

from specdet.checks.memory import model_without_weights
from specdet.runner.batch_processor import batch_processor
from specdet.runner.memory import DTYPES, Step, blank_batch
from specdet.runner.precision import resolve_precision
from specdet.runner.threads import set_threads
from specdet.structures import Batch

if TYPE_CHECKING:
    from specdet.experiment import Experiment

WARM_UP, STEPS = 2, 5
PATIENCE = 30.0  # s after which no further step is begun
BOXES = 8  # in each made-up image
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
    set_threads(experiment.train.threads_per_process)
    precision = resolve_precision(experiment.train.precision, device=device.type)
    step = Step(
        images=experiment.data.images_per_device,
        size=size,
        size_divisor=experiment.data.size_divisor,
        accumulate=experiment.train.accumulate,
        precision=precision,
        device=device,
    )
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        model = model_without_weights(experiment).build().to(device).train()
    optimizer = experiment.optimizer.build(model=model)
    masks = getattr(experiment.model, "gives_masks", False)
    batch = made_up_batch(step, generator=generator, masks=masks).to(device)
    dtype = DTYPES.get(precision)
    autocast = torch.autocast(device.type, dtype=dtype) if dtype else nullcontext()
    seconds: list[float] = []
    started = time.perf_counter()
    while len(seconds) < WARM_UP + STEPS and (not seconds or time.perf_counter() - started < PATIENCE):
        begun = time.perf_counter()
        optimizer.zero_grad()
        for _ in range(step.accumulate):
            with autocast:
                loss = batch_processor(model, batch, train_mode=True)["loss"]
            (loss / step.accumulate).backward()
        optimizer.step()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - begun)
    counted = seconds[WARM_UP:] or seconds[-1:]
    return StepTime(seconds=sorted(counted)[len(counted) // 2], steps=len(counted), warm=len(seconds) > 1)


def made_up_batch(step: Step, *, generator: torch.Generator, masks: bool = False) -> Batch:
    """Noise, with some boxes of any size in each image, and masks that are no smaller than the image."""
    blank = blank_batch(step, masks=masks)
    assert blank.targets is not None
    height, width = step.size
    images = torch.randint(0, 256, blank.images.shape, dtype=torch.uint8, generator=generator)
    corners = torch.rand((step.images, BOXES, 2, 2), generator=generator) * torch.tensor([width - 1, height - 1])
    boxes, labels = blank.targets.boxes.clone(), torch.full_like(blank.targets.labels, -1)
    boxes[:, :BOXES] = torch.cat([corners.amin(dim=2), corners.amax(dim=2) + 1], dim=-1)
    labels[:, :BOXES] = 0
    full = None if blank.targets.masks is None else torch.ones_like(blank.targets.masks)
    targets = attrs.evolve(blank.targets, boxes=boxes, labels=labels, masks=full)
    return attrs.evolve(blank, images=images, targets=targets)
