"""What each rank of test_two_ranks.py's launch does; `OUT_FOLDER/RANK.json` is what is written.

Usage: two_ranks_script.py OUT_FOLDER
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

import torch
from accelerate.utils import gather_object
from toy_training import ToyModel, toy_loader, toy_runner

from specdet.runner.accumulation import share_normalizers
from specdet.runner.hooks.base import Hook
from specdet.runner.log_buffer import LogBuffer
from specdet.runner.runner import Runner


def averages(runner: Runner) -> list[dict[str, float]]:
    """Ranks with other weights and other names, which in a second window are the same ones."""
    buffer, windows = LogBuffer(runner.accelerator), []
    reductions, reduce = [], runner.accelerator.reduce
    runner.accelerator.reduce = lambda *args, **kwargs: (reductions.append(1), reduce(*args, **kwargs))[1]
    for _ in range(2):
        buffer.update({"loss": 1.0 + runner.rank}, 1 + 2 * runner.rank)
        buffer.update({f"only {runner.rank}": 5.0}, 2)
        windows.append(dict(sorted(buffer.average().items())))
    if runner.rank == 1:
        buffer.update({"loss": float("inf")}, 1)
    windows.append(buffer.peek_nonfinite())
    runner.accelerator.reduce = reduce
    return [*windows, len(reductions)]


def normalizers(runner: Runner, mode: str) -> float:
    model = ToyModel()
    model.loss_normalizer = mode
    loader = toy_loader(size=16, batch=2 + 2 * runner.rank)
    group = [batch for batch, _ in zip(loader, range(2), strict=False)]
    shared = share_normalizers(model, group, accelerator=runner.accelerator)
    own = sum(batch.weights.sum() for batch in group) / 2
    return [own.item(), shared[0].normalizers["loss/error"].item(), shared[1].normalizers["loss/error"].item()]


def stopped(folder: Path) -> list[int]:
    """Rank 1 alone gets a signal, and rank 0 is slower: where does each stop?"""

    class Slow(Hook):
        def after_train_iter(self, runner: Runner) -> None:
            time.sleep(0.01 * (1 + 3 * (runner.rank == 0)))
            if runner.rank == 1 and runner.iter == 5:
                os.kill(os.getpid(), signal.SIGTERM)

    runner = toy_runner(folder / "run", log_level="WARNING")
    runner.register_training_hooks(optimizer={}, checkpoint={})
    runner.register_hook(Slow())
    runner.run([toy_loader(size=4000, batch=2, rank=runner.rank, world_size=2)], [("train", 1)], 9)
    return [runner.iter, runner.exit_code]


def buffers_in_validation(runner: Runner) -> list[float]:
    """Running statistics differ over ranks after a step; evaluation takes those of rank 0 on all."""
    own = runner.unwrapped_model.body[1].running_mean
    own.fill_(3.0 + runner.rank)
    with runner.validating():
        return gather_object([own[0].item()])


def main() -> None:
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    runner = toy_runner(optimizer="none", log_level="WARNING")
    assert runner.world_size == 2
    found = {
        "averages": averages(runner),
        "rank": normalizers(runner, "rank"),
        "global": normalizers(runner, "global"),
        "buffers": buffers_in_validation(runner),
        "stopped": stopped(folder),
    }
    (folder / f"{runner.rank}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()
