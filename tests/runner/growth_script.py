"""Trains a toy with all that a run has, and prints how much more memory the process holds after each 500 steps.

    growth_script.py FOLDER ITERS [LEAK]

Counted from step 1,000 on, when all that is made once has been made. A LEAK is how many bytes the training keeps of
each step, as a mistake would.
"""

import ctypes
import gc
import sys
from pathlib import Path

import psutil
import torch
from toy_training import toy_loader, toy_runner

from specdet.runner.hooks.base import Hook
from specdet.runner.spec import PeriodSpec

FROM, EVERY = 1000, 500


class Measures(Hook):
    """Prints, every so often, how many kB are held beyond those of step `FROM`."""

    priority = "VERY_LOW"

    def __init__(self, leak: int):
        self.leak, self.kept = leak, []
        self.first = 0

    def after_train_iter(self, runner) -> None:
        if self.leak:
            self.kept.append(torch.zeros(self.leak, dtype=torch.uint8))
        if runner.iter >= FROM and runner.iter % EVERY == 0:
            gc.collect()
            ctypes.CDLL("libc.so.6").malloc_trim(0)
            held = psutil.Process().memory_info().rss // 1024
            self.first = self.first or held
            print(held - self.first, flush=True)


def main() -> None:
    folder, iters = Path(sys.argv[1]), int(sys.argv[2])
    leak = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    torch.set_num_threads(1)
    runner = toy_runner(folder, log_every=PeriodSpec(iters=50))
    runner.register_training_hooks(optimizer={}, checkpoint={"every": {"iters": 500}, "keep_last": 2}, log={})
    for hook in ({"type": "Events"}, {"type": "EMA"}, {"type": "Evaluation", "every": {"iters": 500}}, Measures(leak)):
        runner.register_hook(hook)
    runner.evaluate = lambda: {"toy/AP": float(runner.iter)}
    runner.run([toy_loader(size=400, batch=4)], [("train", 1)], max_iters=iters)


if __name__ == "__main__":
    main()
