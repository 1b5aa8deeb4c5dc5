"""Trains toys as test_resume.py asks: straight through, killed with SIGKILL at some moment, or resumed.

    resume_script.py FOLDER PLAN:CASE...

A plan is `straight`, `killed` or `resumed`. Without a launcher each training is a fork of this process, which saves
importing torch for each. A case is `workers-accumulate-moment`; the moment is where a run that is to be killed dies.
"""

import os
import signal
import sys
from pathlib import Path

import torch
import torch._dynamo  # every optimizer imports it: here once for all forks
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState
from toy_training import toy_loader, toy_runner

from specdet.runner.hooks.base import Hook
from specdet.runner.runner import Runner
from specdet.runner.spec import PeriodSpec

EPOCHS = 2
SAVE_EVERY = 2
DIES_AT = {"forward": 5, "step": 7, "save": 8, "evaluate": 8}  # optimizer steps completed; the last save was at 4 or 6


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Dies(Hook):
    """Kills the process; before others at the same point, so that nothing is saved first."""

    priority = "VERY_HIGH"

    def __init__(self, moment: str):
        self.moment = moment

    def after_train_forward(self, runner: Runner) -> None:
        if self.moment == "forward" and runner.iter == DIES_AT["forward"]:
            die()

    def after_train_iter(self, runner: Runner) -> None:
        if self.moment == "step" and runner.iter == DIES_AT["step"]:
            die()


class Draws(Hook):
    """Draws numbers when an epoch begins or is gone on with, as making the iterator of a plain DataLoader does."""

    def before_train_epoch(self, runner: Runner) -> None:
        torch.rand(3)


class LinearDecay:
    def factor(self, *, iter: int, iters_per_epoch: int, max_iters: int) -> float:
        return 1 - iter / max_iters


def train(folder: Path, case: str, plan: str) -> None:
    workers, accumulate, moment = case.split("-")
    rank, world_size = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    work_dir = folder / f"{case}-{'straight' if plan == 'straight' else 'killed'}"
    runner = toy_runner(
        work_dir, accumulate=int(accumulate), seed=5, log_every=PeriodSpec(iters=3), log_level="WARNING"
    )
    assert runner.world_size == world_size
    runner.register_training_hooks(
        lr=LinearDecay(), optimizer={"grad_clip": {"max_norm": 1.0}}, checkpoint={"every": {"iters": SAVE_EVERY}}
    )
    runner.register_hook({"type": "EMA", "decay": 0.9, "warmup": 5}, name="ema")
    runner.register_hook(Draws())
    runner.register_hook({"type": "Events"}, name="events")
    runner.register_hook({"type": "Evaluation", "every": {"iters": 4}}, name="evaluate")

    def evaluate() -> dict[str, float]:
        if plan == "killed" and moment == "evaluate" and runner.iter == DIES_AT["evaluate"]:
            die()
        return {"toy/luck": torch.rand(()).item()}  # draws from the generator that dropout draws from

    runner.evaluate = evaluate
    if plan == "killed":
        runner.register_hook(Dies(moment))
        if moment == "save" and rank == 0:
            die_while_saving(runner, runner.accelerator)
    if plan == "resumed":
        runner.resume(work_dir)
        assert runner.progress.batch > 0, "killed in the midst of an epoch"
    batch = 8 // int(accumulate) // world_size  # so that an epoch is 12 steps, with rows left over, in every case
    loaders = [
        toy_loader(size=100, batch=batch, seed=2, rank=rank, world_size=world_size, workers=int(workers)) for _ in "tv"
    ]
    runner.run(loaders, [("train", 1), ("val", 1)], EPOCHS)
    assert runner.epoch == EPOCHS


def die_while_saving(runner: Runner, accelerator: Accelerator) -> None:
    def hook(models, weights, folder) -> None:
        if runner.iter == DIES_AT["save"]:
            (Path(folder) / "model.safetensors").write_bytes(b"half a file")
            die()

    accelerator.register_save_state_pre_hook(hook)


def in_a_fork(folder: Path, case: str, plan: str) -> None:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            train(folder, case, plan)
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    died = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    assert died if plan == "killed" else status == 0, f"{case} {plan} ended with status {status}"


def main() -> None:
    folder, *trainings = sys.argv[1:]
    torch.set_num_threads(1)
    for training in trainings:
        plan, case = training.split(":")
        if "RANK" in os.environ:
            train(Path(folder), case, plan)
            AcceleratorState._reset_state(reset_partial_state=True)
            GradientState._reset_state()
        else:
            in_a_fork(Path(folder), case, plan)


if __name__ == "__main__":
    main()
