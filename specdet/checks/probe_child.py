"""`python -m specdet.checks.probe_child`: takes the steps that `probe` asks for, and may run out of memory in them.

A question is a line of JSON on the standard input, its answer one on the standard output. It ends when the input does.
"""

import json
import os
import queue
import sys
import threading
from typing import TYPE_CHECKING, Any, TextIO

import attrs
import torch

from specdet.checks import host_memory
from specdet.checks.device import device_problems, own_device
from specdet.checks.memory import Unknown, device_name, memory_needed
from specdet.checks.probe import STEPS, Facts, Shape
from specdet.checks.sets import as_evaluated, largest_shape, most_boxes, open_set, root_must_exist
from specdet.checks.step_time import StepTrainer
from specdet.experiment import load_with_source
from specdet.experiment_classes import with_classes
from specdet.spec import Spec, SpecError
from specdet.training_failure import is_out_of_memory
from specdet.training_memory import part_of_step

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from specdet.data.reader import Reader
    from specdet.data.spec import DataSpec
    from specdet.experiment import Experiment

MARGIN = 0.1  # of what is available, left to others
LEAST_MARGIN = 500_000_000  # bytes
NO_LIMIT = (
    "here no process can be limited in its memory, so that a trial might take all of it: ask on Linux, or on a GPU"
)


def main() -> None:
    """Answer until the input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what plugins print is no answer
    questions: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(questions,), daemon=True).start()
    trials: Trials | None = None
    while True:
        question = json.loads(questions.get())
        try:
            if question["want"] == "facts":
                found = facts(_experiment(question), memory=question["memory"], processes=question["processes"])
                answer = attrs.asdict(found)
            else:
                trials = trials or Trials(_experiment(question), question)
                answer = trials.take(question)
        except SpecError as error:
            told = [{"path": each.path, "message": each.message, "kind": each.kind} for each in error.problems]
            answer = {"problems": told}
        _write(answers, answer)


def _listen(questions: "queue.SimpleQueue[str]") -> None:
    """Take in questions; whoever asked may be gone while a step is taken, and this process with it."""
    for line in sys.stdin:
        questions.put(line)
    os._exit(0)


def _write(answers: TextIO, answer: "Mapping[str, Any]") -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


def _experiment(question: "Mapping[str, Any]") -> "Experiment":
    return load_with_source(question["spec"], question["overrides"], plugins=question["plugins"]).experiment


def facts(experiment: "Experiment", *, memory: int | None, processes: int) -> Facts:
    """What is known before anything is tried.

    Raises:
        SpecError: With what is wrong with the data, or what the device lacks.
    """
    device, data = own_device(), experiment.data
    if lacking := device_problems(experiment, memory=False):
        raise SpecError(lacking)
    root_must_exist(data)
    training = open_set(data.train, path="data.train", training=True)
    experiment = with_classes(experiment, len(training.classes))
    shape = _shape(data, training, processes=processes)
    if shape is None:
        message = "how large images are after these is only seen when they are opened, so that nothing can be tried"
        raise SpecError.one(message, path="data.train_transforms")
    limit, margin = _limit(device, memory=memory, processes=processes)
    libraries = host_memory.held("VmRSS") if device.type == "cpu" else 0
    if limit <= libraries:
        message = f"a process may have {limit / 1e6:.0f} MB, and the libraries alone take {libraries / 1e6:.0f} MB"
        raise SpecError.one(message, kind="environment")
    return Facts(
        device=device_name(device),
        on_host=device.type == "cpu",
        limit=limit,
        margin=margin,
        classes=len(training.classes),
        images=data.images_per_device,
        accumulate=experiment.train.accumulate,
        val_images=data.val_images_per_device or data.images_per_device,
        train=shape,
        val=None if data.val is None else _shape_of_val(data, data.val, processes=processes),
        estimate=_estimate(experiment, shape, device=device, there=limit - libraries),
    )


def _shape(data: "DataSpec", reader: "Reader", *, processes: int) -> Shape | None:
    sizes = reader.sizes
    alone, together = _largest(data, sizes, images=1), _largest(data, sizes, images=2)
    if alone is None or together is None:
        return None
    images = max(1, len(reader) // processes)
    return Shape(alone=alone, together=together, boxes=most_boxes(reader), images=images)


def _shape_of_val(data: "DataSpec", val: Spec, *, processes: int) -> Shape | None:
    reader = open_set(val, path="data.val", training=False)
    return _shape(as_evaluated(data, val=val), reader, processes=processes)


def _largest(data: "DataSpec", sizes: "np.ndarray", *, images: int) -> tuple[int, int] | None:
    return largest_shape(attrs.evolve(data, images_per_device=images), sizes=sizes)


def _limit(device: torch.device, *, memory: int | None, processes: int) -> tuple[int, int]:
    """Bytes that a process may have, and how many of those that there are it leaves to others."""
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        return (free, 0) if memory is None else (min(memory, total), 0)
    if sys.platform != "linux":
        raise SpecError.one(NO_LIMIT, kind="environment")
    if memory is not None:
        return memory, 0
    available = host_memory.available_memory()
    margin = max(int(MARGIN * available), LEAST_MARGIN)
    return max(0, available - margin) // processes, margin


def _estimate(experiment: "Experiment", shape: Shape, *, device: torch.device, there: int) -> int | None:
    """How many images fit into so many bytes, by what is known of the model; None where that tells nothing."""
    try:
        one, two = (
            memory_needed(experiment, device=device, images=images, size=shape.together).total for images in (1, 2)
        )
    except Unknown:
        return None
    except SpecError:
        raise
    except ValueError as error:
        raise SpecError.one(f"cannot be built: {error}", path="model") from error
    return max(1, 1 + (there - one) // (two - one))


class Trials:
    """The trials of one process, which is limited in its memory from here on."""

    def __init__(self, experiment: "Experiment", question: "Mapping[str, Any]"):
        self._experiment, self._device = experiment, own_device()
        self._limit: int = question["limit"]
        self._classes, self._processes = question["classes"], question["processes"]
        self._trainer: StepTrainer | None = None
        if self._device.type == "cpu":
            host_memory.limit_memory(self._limit)
        elif question["memory"] is not None:
            total = torch.cuda.mem_get_info(self._device)[1]
            torch.cuda.set_per_process_memory_fraction(min(1.0, self._limit / total), self._device)

    def take(self, question: "Mapping[str, Any]") -> dict[str, Any]:
        """Try what a question asks for; the answer has the names of `Trial`."""
        try:
            seconds = (self._evaluate if question["evaluates"] else self._train)(question)
        except (RuntimeError, MemoryError, OSError) as error:
            if not is_out_of_memory(error):
                raise
            return {"fits": False, "why": f"out of memory in {part_of_step(error) or 'preparing it'}"}
        return {"fits": True, "peak": self._peak(), "seconds": seconds, "images_per_s": question["images"] / seconds}

    def _train(self, question: "Mapping[str, Any]") -> float:
        """Seconds of a batch. To train on more than two in a step takes no more memory, but for what they hold."""
        trainer = self._built()
        batches = [self._batch(trainer, question) for _ in range(question["batches"])]
        used = batches[:2]
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
        seconds = [trainer.step(used) for _ in range(STEPS)]
        return min(seconds[1:]) / len(used)

    def _evaluate(self, question: "Mapping[str, Any]") -> float:
        """Seconds of a batch, while gradients and the optimizer's state wait for the next step."""
        trainer = self._built()
        trainer.step([self._batch(trainer, {**question, "images": 1})])
        batch = self._batch(trainer, question)
        seconds = [trainer.evaluate(batch) for _ in range(STEPS)]
        return min(seconds[1:])

    def _built(self) -> StepTrainer:
        if self._trainer is None:
            self._trainer = StepTrainer(
                self._experiment, device=self._device, classes=self._classes, processes=self._processes
            )
        return self._trainer

    def _batch(self, trainer: StepTrainer, question: "Mapping[str, Any]") -> Any:
        return trainer.batch(images=question["images"], size=tuple(question["size"]), boxes=question["boxes"])

    def _peak(self) -> int:
        if self._device.type == "cuda":
            return torch.cuda.max_memory_reserved(self._device)
        return host_memory.held("VmHWM")


if __name__ == "__main__":
    main()
