"""What each rank of test_empty_ranks.py's launch does; `OUT_FOLDER/RANK.json` is what is written.

Usage: empty_ranks_script.py OUT_FOLDER NAME ...

Each detector of those names trains an epoch in which no rank has a box, and one in which rank 0 alone has.
"""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from specdet.runner.hooks.base import Hook
from specdet.runner.runner import Runner
from specdet.structures import Batch
from tests.models.batches import make_batch
from tests.models.detectors.every import small_detector
from tests.models.mask_rcnn import with_masks
from tests.runner.toy_training import toy_runner

STEPS = 3
SIZES = [(60, 90), (64, 64)]
BOXES = [[[4.0, 8, 40, 50]], [[10.0, 10, 50, 60], [0, 0, 30, 30]]]


class Epoch:
    """A loader of `STEPS` batches whose images have boxes, or none."""

    def __init__(self, *, with_boxes: bool):
        self.boxes = BOXES if with_boxes else [[], []]

    def __len__(self) -> int:
        return STEPS

    def __iter__(self) -> Iterator[Batch]:
        for step in range(STEPS):
            yield with_masks(make_batch(SIZES, self.boxes, seed=step))


class Noted(Hook):
    """Keeps the losses of each step."""

    def __init__(self) -> None:
        self.losses: list[dict[str, float]] = []

    def after_train_iter(self, runner: Runner) -> None:
        assert runner.outputs is not None
        self.losses.append({name: float(value) for name, value in runner.outputs["log_vars"].items()})


def trained(name: str, *, with_boxes: bool) -> dict[str, Any]:
    """Losses of each step, and what tells whether the weights are finite and the same on all ranks."""
    runner, noted = toy_runner(model=small_detector(name).train(), optimizer="SGD", log_level="ERROR"), Noted()
    assert runner.world_size == 2
    runner.register_training_hooks(optimizer={}, checkpoint=None)
    runner.register_hook(noted)
    runner.run([Epoch(with_boxes=with_boxes)], [("train", 1)], 1)
    weights = torch.cat([each.detach().double().flatten() for each in runner.unwrapped_model.parameters()])
    return {"losses": noted.losses, "sum": weights.sum().item(), "norm": weights.norm().item()}


def main() -> None:
    torch.set_num_threads(1)
    # oneDNN's backward of convolutions as narrow as these corrupts memory now and then on some CPUs, and what is asked
    # here is whether ranks agree.
    torch.backends.mkldnn.enabled = False  # type: ignore[assignment]
    folder, rank = Path(sys.argv[1]), int(os.environ["RANK"])
    found = {}
    for name in sys.argv[2:]:
        for case in ("no rank", "rank 0 alone"):
            found[f"{name}, {case}"] = trained(name, with_boxes=case != "no rank" and rank == 0)
    (folder / f"{rank}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()
