"""What a training loop costs besides the training: `python -m tests.benchmarks.loop_overhead`.

A model so small that a step of it takes a fraction of a millisecond, trained with SGD, clipping and a cosine schedule
on data in memory, the mean loss told every 50 steps: by a bare loop of PyTorch, by one that prepares model and
optimizer with Accelerate, by specdet's Runner with the hooks that a spec has by default in a run directory of its own,
and by Lightning and mmengine with their defaults. Each has a process of its own that waits in its data loader for its
turn, so that whatever else the machine does falls on all. Processor time of all threads of the process is measured,
on one core. The peers come with `pip install -e '.[bench]'`; what cannot run says why in its row.
"""

import argparse
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import attrs
import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from torch.utils.data import DataLoader

from tests.benchmarks.side_by_side import Row, print_rows, rows_of

ROOT = Path(__file__).resolve().parents[2]
FEATURES, WIDTH, LAYERS, ROWS = 16, 32, 2, 16
STEPS = 1_000_000  # more than are ever taken
LOG_EVERY = 50
LEARNING_RATE, MAX_NORM = 1e-3, 1.0
TARGET = 1.15  # of bare Accelerate
OURS = "specdet"
MODULES = {"PyTorch": "torch", "Accelerate": "accelerate", OURS: "specdet", "Lightning": "lightning",
           "mmengine": "mmengine"}  # fmt: skip


@attrs.frozen(kw_only=True, eq=False)
class Points:
    """A batch: (N, F) inputs and (N,) what is to be told of each."""

    x: Tensor
    y: Tensor

    def __len__(self) -> int:
        return len(self.x)

    def to(self, device: Any, non_blocking: bool = False) -> "Points":
        return Points(x=self.x.to(device, non_blocking=non_blocking), y=self.y.to(device, non_blocking=non_blocking))


class Small(nn.Module):
    """A few linear layers, and a mean squared error."""

    def __init__(self):
        super().__init__()
        sizes = [FEATURES, *[WIDTH] * LAYERS]
        layers = [nn.Sequential(nn.Linear(*pair), nn.ReLU()) for pair in pairwise(sizes)]
        self.body = nn.Sequential(*layers, nn.Linear(WIDTH, 1))

    def forward(self, batch: Points, *, returns: str = "loss") -> dict[str, Tensor]:
        return {"loss/error": nn.functional.mse_loss(self.body(batch.x)[:, 0], batch.y)}


class Turns(DataLoader):
    """The same few batches over and over; says what each `steps` of them took, and waits before for its turn."""

    def __init__(self, *, steps: int, go: int, told: int):
        generator = torch.Generator().manual_seed(0)
        inputs = [torch.randn(ROWS, FEATURES, generator=generator) for _ in range(8)]
        self.batches = [Points(x=x, y=x.sum(1).sin()) for x in inputs]
        super().__init__(self.batches)  # pyright: ignore[reportArgumentType]
        self.steps, self.go, self.told = steps, go, told

    def __len__(self) -> int:
        return STEPS

    def __iter__(self) -> Iterator[Any]:
        started = 0.0
        for step in range(STEPS):
            if step % self.steps == 0:
                if step:
                    os.write(self.told, f"{(time.process_time() - started) / self.steps}\n".encode())
                if not os.read(self.go, 1):
                    os._exit(0)  # nobody waits for the end of this training
                started = time.process_time()
            yield self.batches[step % len(self.batches)]


def cosine(step: int) -> float:
    """What the learning rate is multiplied by."""
    return 0.5 * (1 + math.cos(math.pi * step / STEPS))


def train_pytorch(loader: Turns) -> None:
    """A bare loop."""
    model = Small().train()
    optimizer = sgd(model)
    window = torch.zeros(())
    for step, batch in enumerate(loader):
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * cosine(step)
        batch = batch.to("cpu")
        optimizer.zero_grad()
        loss = model(batch)["loss/error"]
        loss.backward()
        clip_grad_norm_(model.parameters(), MAX_NORM)
        optimizer.step()
        window += loss.detach()
        if (step + 1) % LOG_EVERY == 0:
            print(f"iter {step + 1} loss {window.item() / LOG_EVERY:.4g}", flush=True)
            window.zero_()


def train_accelerate(loader: Turns) -> None:
    """The same loop under Accelerate."""
    from accelerate import Accelerator

    accelerator = Accelerator(cpu=True)
    raw = Small()
    model, optimizer = accelerator.prepare(raw, sgd(raw))
    model.train()
    window = torch.zeros((), device=accelerator.device)
    for step, batch in enumerate(loader):
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * cosine(step)
        batch = batch.to(accelerator.device)
        optimizer.zero_grad()
        loss = model(batch)["loss/error"]
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(model.parameters(), MAX_NORM)
        optimizer.step()
        window += loss.detach()
        if (step + 1) % LOG_EVERY == 0:
            print(f"iter {step + 1} loss {window.item() / LOG_EVERY:.4g}", flush=True)
            window.zero_()


def train_specdet(loader: Turns) -> None:
    """A run as `specdet train` makes it, of another model and other data."""
    from specdet.experiment import load
    from specdet.runner.accelerator import make_accelerator
    from specdet.runner.runner import Runner
    from specdet.runner.spec import enabled_hooks
    from specdet.training_run import TrainingRun

    clip = f"hooks.optimizer.grad_clip.max_norm={MAX_NORM}"
    experiment = load("specdet:rpn.toml", [clip, "~hooks.checkpoint.keep_best", "schedule.warmup=none"])
    run = TrainingRun(ends_process=True)
    with run.told():
        accelerator = make_accelerator()
        model = Small()
        directory = run.open(experiment, accelerator, source="")
        runner = Runner(
            model,
            optimizer=sgd(model),
            work_dir=directory,
            accelerator=accelerator,
            schedule=experiment.schedule.build(),
            log_every=experiment.train.log_every,
            asks=run.asks,
            attempt=run.attempt,
        )
        run.runner = runner
        for name, hook in enabled_hooks(experiment.hooks).items():
            runner.register_hook(hook, name=name)
        run.begin(runner, hang_timeout=experiment.train.hang_timeout)
        runner.run([loader], [("train", 1)], max_iters=STEPS)


def train_lightning(loader: Turns) -> None:
    """Trainer with its defaults."""
    from lightning.pytorch import LightningModule, Trainer

    class Module(LightningModule):
        def __init__(self):
            super().__init__()
            self.small = Small()

        def training_step(self, batch: Points, index: int) -> Tensor:
            loss = self.small(batch)["loss/error"]
            self.log("loss", loss, batch_size=len(batch))
            return loss

        def configure_optimizers(self) -> Any:
            optimizer = sgd(self)
            schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, cosine)
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    Trainer(
        accelerator="cpu", max_steps=STEPS, log_every_n_steps=LOG_EVERY, gradient_clip_val=MAX_NORM
    ).fit(Module(), loader)  # fmt: skip


def train_mmengine(loader: Turns) -> None:
    """Its Runner with the default hooks."""
    from mmengine.model import BaseModel
    from mmengine.runner import Runner

    class Module(BaseModel):
        def __init__(self):
            super().__init__()
            self.small = Small()

        def forward(self, batch: Points, mode: str) -> dict[str, Tensor]:
            return self.small(batch)

        def train_step(self, data: Points, optim_wrapper: Any) -> dict[str, Tensor]:
            data = data.to("cpu")
            with optim_wrapper.optim_context(self):
                losses = self(data, mode="loss")
            parsed, told = self.parse_losses({"loss": losses["loss/error"]})
            optim_wrapper.update_params(parsed)
            return told

    Runner(
        model=Module(),
        work_dir="mmengine",
        train_dataloader=loader,
        train_cfg={"by_epoch": False, "max_iters": STEPS},
        optim_wrapper={"optimizer": {"type": "SGD", "lr": LEARNING_RATE, "momentum": 0.9},
                       "clip_grad": {"max_norm": MAX_NORM}},
        param_scheduler={"type": "CosineAnnealingLR", "T_max": STEPS, "by_epoch": False},
        default_hooks={"logger": {"type": "LoggerHook", "interval": LOG_EVERY}},
        log_processor={"window_size": LOG_EVERY, "by_epoch": False},
    ).train()  # fmt: skip


def sgd(model: nn.Module) -> torch.optim.Optimizer:
    """The optimizer of all."""
    return torch.optim.SGD(model.parameters(), lr=LEARNING_RATE, momentum=0.9)


class Training:
    """A process that trains when it is its turn."""

    def __init__(self, name: str, *, steps: int, folder: Path):
        self.name = name
        self.log = folder / f"{name}.log"
        go, self._go = os.pipe()
        self._told, told = os.pipe()
        command = [sys.executable, "-m", "tests.benchmarks.loop_overhead", "--train", name, "--steps", str(steps)]
        paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
        env = {**os.environ, "PYTHONPATH": paths, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
        env |= {"ACCELERATE_USE_CPU": "true"}
        (folder / name).mkdir()
        with self.log.open("w") as log:
            self.process = subprocess.Popen([*command, "--go", str(go), "--told", str(told)], stdout=log, stderr=log,
                                            cwd=folder / name, env=env, pass_fds=(go, told))  # fmt: skip
        os.close(go)
        os.close(told)
        self._lines = os.fdopen(self._told)

    def turn(self) -> float | None:
        """s of processor time of each step; None where the training has ended."""
        try:
            os.write(self._go, b".")
        except BrokenPipeError:
            return None
        line = self._lines.readline()
        return float(line) if line else None

    def why(self) -> str:
        """The last line that it said."""
        self.process.wait()
        said = self.log.read_text(errors="replace").strip().splitlines()
        return said[-1] if said else f"exit code {self.process.returncode}"

    def close(self) -> None:
        os.close(self._go)
        self._lines.close()
        self.process.wait()


def measured(*, rounds: int, steps: int) -> tuple[dict[str, list[float]], dict[str, str]]:
    """s of processor time a step by system, one for each round; and why the others have none."""
    missing = {name: "not installed: pip install -e '.[bench]'" for name in MODULES if not find_spec(MODULES[name])}
    with tempfile.TemporaryDirectory() as name:
        trainings = [Training(each, steps=steps, folder=Path(name)) for each in MODULES if each not in missing]
        times: dict[str, list[float]] = {each.name: [] for each in trainings}
        try:
            for number in range(-1, rounds):
                for each in trainings if number % 2 else reversed(trainings):
                    seconds = None if each.name in missing else each.turn()
                    if seconds is None:
                        missing.setdefault(each.name, each.why())
                    elif number >= 0:  # the first round fills caches
                        times[each.name].append(seconds)
        finally:
            for each in trainings:
                each.close()
    return {name: found for name, found in times.items() if name not in missing}, missing


def rows(*, rounds: int = 11, steps: int = 2500) -> Sequence[Row]:
    """A row for each peer that runs."""
    times, _ = measured(rounds=rounds, steps=steps)
    return _rows(times)


def _rows(times: dict[str, list[float]]) -> list[Row]:
    return rows_of(times, work="a step's processor time", ours=OURS, targets={"Accelerate": TARGET})


def main() -> None:
    """Print a row for each peer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--steps", type=int, default=2500, help="of a turn")
    parser.add_argument("--train", choices=MODULES, help=argparse.SUPPRESS)
    parser.add_argument("--go", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--told", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.train:
        torch.set_num_threads(1)
        loader = Turns(steps=arguments.steps, go=arguments.go, told=arguments.told)
        {"PyTorch": train_pytorch, "Accelerate": train_accelerate, OURS: train_specdet, "Lightning": train_lightning,
         "mmengine": train_mmengine}[arguments.train](loader)  # fmt: skip
        return
    times, missing = measured(rounds=max(arguments.rounds, 2), steps=arguments.steps)
    for name, found in times.items():
        print(f"{name:<12} median {1e6 * statistics.median(found):7.1f} us a step")
    print_rows(_rows(times))
    for name, why in missing.items():
        print(f"{name:<12} {why}")


if __name__ == "__main__":
    main()
