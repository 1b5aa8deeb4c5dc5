"""One toy training for each way to train: straight through with a checkpoint after each step, or gone on from one.

    resume_matrix_training.py FOLDER CASES

trains those of a JSON list, on as many processes as it is launched with, and writes down in what they differ.
"""

import hashlib
import json
import os
import random
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import attrs
import numpy as np
import torch
from accelerate.state import AcceleratorState, GradientState, PartialState
from toy_training import ToyModel, toy_loader

from specdet.optim.build import build_optimizer
from specdet.runner.accelerator import make_accelerator
from specdet.runner.checkpoint import FOLDER, checkpoint_name
from specdet.runner.hooks.base import Hook
from specdet.runner.runner import Runner
from specdet.spec.dump import dumps

EPOCHS, STEPS_PER_EPOCH = 2, 4
LAST = EPOCHS * STEPS_PER_EPOCH
ROWS = 35  # of which an epoch takes 32

# What makes each algorithm keep as much state as it can.
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "SGD": {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.001},
    "Adam": {"lr": 0.01, "amsgrad": True, "weight_decay": 0.001},
    "AdamW": {"lr": 0.01, "amsgrad": True},
    "RMSprop": {"lr": 0.01, "momentum": 0.9, "centered": True},
    "NAdam": {"lr": 0.01, "decoupled_weight_decay": True},
    "RAdam": {"lr": 0.01, "weight_decay": 0.001},
    "Adagrad": {"lr": 0.05, "lr_decay": 0.1},
}
SCHEDULES: dict[str, dict[str, Any]] = {
    "Constant": {},
    "Step": {"by": "iter", "milestones": (3, 5), "gamma": 0.5},
    "Cosine": {"min_factor": 0.1},
    "Poly": {"power": 2.0},
}


@attrs.frozen(kw_only=True)
class Case:
    """A way to train.

    Attributes:
        optimizer, schedule: As a spec says them.
        max_norm: What gradients are clipped to, if they are.
    """

    optimizer: dict[str, Any]
    schedule: dict[str, Any]
    ema: bool = False
    accumulate: int = 1
    max_norm: float | None = None
    precision: Literal["fp32", "bf16"] = "fp32"

    def spec_text(self, **others: Any) -> str:
        """What a checkpoint knows the training by."""
        return dumps({**attrs.asdict(self, filter=lambda _, value: value is not None), **others})


@attrs.frozen(kw_only=True)
class Trained:
    """What came of a training: all that its last checkpoint holds, where it ended, and what was seen at each step.

    Attributes:
        digests: SHA-256 of tensors and documents, by the files of the checkpoint, and of the position at the "end".
        steps: Loss and learning rates, by the optimizer steps completed.
    """

    digests: dict[str, str]
    steps: dict[int, tuple[float, ...]]


class Draws(Hook):
    """Draws numbers when an epoch begins or is gone on with, as making the iterator of a plain DataLoader does."""

    def before_train_epoch(self, runner: Runner) -> None:
        torch.rand(3)
        np.random.random()
        random.random()


class Notes(Hook):
    """Keeps the loss and the learning rates of each step."""

    def __init__(self) -> None:
        self.steps: dict[int, tuple[float, ...]] = {}

    def after_train_iter(self, runner: Runner) -> None:
        assert runner.outputs is not None and runner.optimizer is not None
        rates = [group["lr"] for group in runner.optimizer.param_groups]
        self.steps[runner.iter] = (runner.outputs["loss"].item(), *rates)


def train(folder: Path, case: Case, *, workers: int = 0, resumes: bool = False) -> Trained:
    """Train in `folder`, from the start or from the last checkpoint in it.

    One that resumes removes all checkpoints but the newest, and writes one at the last step of each epoch alone.
    """
    forget()
    accelerator = make_accelerator(case.precision, case.accumulate)
    torch.manual_seed(3)
    model = ToyModel()
    every, keep_last = ({"iters": 1}, "all") if not resumes else ({"iters": STEPS_PER_EPOCH}, 1)
    runner = Runner(
        model,
        optimizer=build_optimizer(model, {**case.optimizer, "bias_lr_factor": 2.0, "norm_decay_factor": 0.0}),
        work_dir=folder,
        log_level="WARNING",
        accelerator=accelerator,
        seed=5,
        accumulate=case.accumulate,
        spec_text=case.spec_text(
            data={"workers_per_device": workers}, hooks={"checkpoint": {"type": "Checkpoint", "keep_last": keep_last}}
        ),
    )
    clip = {} if case.max_norm is None else {"grad_clip": {"max_norm": case.max_norm}}
    checkpoint = {"every": every, "keep_last": keep_last}
    runner.register_training_hooks(lr=case.schedule, optimizer=clip, checkpoint=checkpoint)
    if case.ema:
        runner.register_hook({"type": "EMA", "decay": 0.9, "warmup": 5}, name="ema")
    runner.register_hook({"type": "Evaluation", "every": {"iters": 3}}, name="evaluate")
    runner.register_hook(Draws())
    notes = Notes()
    runner.register_hook(notes)
    runner.evaluate = lambda: {"toy/luck": torch.rand(()).item()}  # from the generator that dropout draws from
    if resumes:
        for seed in (random.seed, np.random.seed, torch.manual_seed):
            seed(99)  # what a new process begins with is anything
        runner.resume(folder)
    batch = ROWS // STEPS_PER_EPOCH // case.accumulate // runner.world_size
    loaders = [
        toy_loader(size=ROWS, batch=batch, seed=2, rank=runner.rank, world_size=runner.world_size, workers=each)
        for each in (workers, 0)
    ]
    runner.run(loaders, [("train", 1), ("val", 1)], EPOCHS)
    assert (runner.iter, runner.epoch) == (LAST, EPOCHS)
    accelerator.wait_for_everyone()
    end = _digest(json.dumps(runner.progress.to_table()).encode())
    return Trained(digests={**digests(checkpoint_of(folder, LAST)), "end": end}, steps=notes.steps)


def forget() -> None:
    """Accelerate keeps the precision of a training for the whole process."""
    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()


def checkpoint_of(folder: Path, step: int) -> Path:
    return folder / FOLDER / checkpoint_name(step)


def digests(checkpoint: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in sorted(file for file in checkpoint.rglob("*") if file.is_file()):
        name = path.relative_to(checkpoint).as_posix()
        if path.suffix in (".bin", ".pkl"):  # torch writes the same values in other bytes
            values = torch.load(path, weights_only=False)
            values.pop("step", None)  # how many batches this process has seen
            found[name] = _digest(repr(_plain(values)).encode())
        elif name not in ("manifest.json", "env.json", "spec.toml"):
            found[name] = _digest(path.read_bytes())
    return found


def differences(folder: Path, case: Case, straight: Trained, *, step: int, workers: int = 0) -> list[str]:
    """Go on from a step of the training in `folder`/straight, and say in what that differs from it."""
    resumed_at = folder / f"from_{step}"
    if int(os.environ.get("RANK", "0")) == 0:
        shutil.copytree(checkpoint_of(folder / "straight", step), checkpoint_of(resumed_at, step))
    if PartialState().num_processes > 1:
        torch.distributed.barrier()
    resumed = train(resumed_at, case, workers=workers, resumes=True)
    expected = {at: seen for at, seen in straight.steps.items() if at > step}
    found = [f"step {at}" for at in expected | resumed.steps if expected.get(at) != resumed.steps.get(at)]
    ours, theirs = resumed.digests, straight.digests
    return found + [name for name in theirs | ours if theirs.get(name) != ours.get(name)]


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _plain(value: Any) -> Any:
    """With tensors and arrays as their bytes."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, torch.Tensor | np.ndarray):
        array = np.asarray(value)
        return (str(array.dtype), array.shape, _digest(array.tobytes()))
    return value


def main(folder: Path, cases: Sequence[Case]) -> None:
    torch.set_num_threads(1)
    found: dict[str, list[str]] = {}
    for number, case in enumerate(cases):
        place = folder / str(number)
        straight = train(place / "straight", case, workers=2 * (number % 2))
        for step in (3, 4):
            name = f"{case.optimizer['type']} from step {step}"
            found[name] = differences(place, case, straight, step=step, workers=2 - 2 * (number % 2))
    state = PartialState()
    told = {"processes": state.num_processes, "differences": found}
    (folder / f"rank_{state.process_index}.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Case(**each) for each in json.loads(sys.argv[2])])
