"""evaluate: a model over a data set, on all ranks, to one dictionary of metrics."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast, broadcast_object_list, gather_object
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader

from specdet.evaluation.evaluator import Detailed, Evaluator
from specdet.evaluation.gather import PackedDetections, check_each_once, gather
from specdet.structures import Batch, Detections


def evaluate(
    model: nn.Module,
    loader: DataLoader[Batch],
    *,
    evaluators: Mapping[str, Evaluator],
    accelerator: Accelerator,
    on_batch: Callable[[int], None] | None = None,
    on_detections: Callable[[Mapping[int, Detections]], None] | None = None,
    on_details: Callable[[Mapping[str, Any]], None] | None = None,
    on_bad_images: Callable[[Mapping[int, str]], None] | None = None,
) -> dict[str, float]:
    """Every metric of every evaluator, named "NAME/METRIC", the same on every rank; all ranks call this together.

    Args:
        model: Gives a list of Detections for a Batch in eval mode; may be wrapped for distributed training. Each of its
            modules is afterwards in the mode that it was in.
        loader: This rank's share of the data set. Over all ranks every image comes exactly once.
        evaluators: By name.
        accelerator: Says where batches go.
        on_batch: Called after each batch with the number of batches done. Every rank calls it equally often, also one
            whose share is a batch shorter, so ranks may talk to each other in it. To stop the evaluation, raise from it
            on every rank.
        on_detections: Called once, on the main process, with what the evaluators are given: image id -> detections.
        on_details: Called once, on the main process, with what evaluators tell besides numbers, by their names; not
            where none has something to tell.
        on_bad_images: Called once, on every rank, where images could not be used: image id -> why. They count as images
            in which nothing was found.

    Raises:
        RuntimeError: Where an image was lost or came twice, or where an evaluator failed on another rank.
    """
    own = PackedDetections()
    rounds = max(gather_object([len(loader)]))
    with in_eval_mode(model), torch.inference_mode():
        batches = iter(loader)
        module = _without_gradient_sync(model, accelerator)
        for done in range(1, rounds + 1):
            batch = next(batches, None)
            if batch is not None:
                detections = module(batch.to(accelerator.device, non_blocking=True))
                image_ids = batch.image_ids.tolist()
                if batch.bad:
                    detections = [_nothing(each) if image_id in batch.bad else each
                                  for image_id, each in zip(image_ids, detections, strict=True)]  # fmt: skip
                    own.bad.update(batch.bad)
                own.add(detections, image_ids=image_ids)
            if on_batch is not None:
                on_batch(done)
    packed = gather(own)
    if packed.bad and on_bad_images is not None:
        on_bad_images(packed.bad)
    for evaluator in evaluators.values():
        check_each_once(packed.image_ids, expected=evaluator.image_ids)

    def told_and_measured() -> dict[str, float]:
        detections = packed.unpack()
        if on_detections is not None:
            on_detections(detections)
        metrics = _metrics(detections, evaluators)
        details = {name: each.details() for name, each in evaluators.items() if isinstance(each, Detailed)}
        if on_details is not None and details:
            on_details(details)
        return metrics

    return _on_main_process(told_and_measured, accelerator)


@contextmanager
def in_eval_mode(model: nn.Module) -> Generator[None]:
    """Eval mode inside, afterwards the mode of each module as it was: frozen norm layers stay in eval mode."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def _nothing(found: Detections) -> Detections:
    return found.kept(torch.zeros_like(found.scores, dtype=torch.bool))


def _without_gradient_sync(model: nn.Module, accelerator: Accelerator) -> nn.Module:
    """The model to call: DDP's own forward talks to the other ranks each time, and hangs where one has a batch less."""
    if not isinstance(model, DistributedDataParallel):
        return model
    if model.broadcast_buffers:  # what DDP does in every forward, once: all ranks evaluate the running means of rank 0
        broadcast(list(model.module.buffers()))
    return accelerator.unwrap_model(model)


def _metrics(detections: dict[int, Detections], evaluators: Mapping[str, Evaluator]) -> dict[str, float]:
    return {
        f"{name}/{metric}": value
        for name, evaluator in evaluators.items()
        for metric, value in evaluator.evaluate(detections).items()
    }


def _on_main_process(compute: Callable[[], dict[str, float]], accelerator: Accelerator) -> dict[str, float]:
    """The result of `compute`, which runs on the main process, on every rank; so is its failure."""
    outcome: list[dict[str, float] | str] = [""]
    failure: Exception | None = None
    if accelerator.is_main_process:
        try:
            outcome[0] = compute()
        except Exception as error:  # of whatever kind: the other ranks wait for the broadcast below
            outcome[0], failure = f"{type(error).__name__}: {error}", error
    (result,) = broadcast_object_list(outcome)
    if failure is not None:
        raise failure
    if isinstance(result, str):
        raise RuntimeError(f"evaluation failed on the main process: {result}")
    return result
