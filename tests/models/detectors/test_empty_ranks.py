"""An epoch without a box, on all ranks and on one of two: every detector trains on, and all ranks agree."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.models.detectors.empty_ranks_script import STEPS
from tests.models.detectors.every import EVERY

HERE = Path(__file__).parent
NAMES = ["RetinaNet", "FCOS", "SSD", "FasterRCNN", "CascadeMaskRCNN"]  # of each kind of head one


@pytest.fixture(scope="module")
def ranks(tmp_path_factory) -> list[dict]:
    """What each of two processes noted; one launch for all, which ends by itself where no rank waits for the other."""
    folder = tmp_path_factory.mktemp("empty_ranks")
    root = str(HERE.parents[2])
    settings = {"ACCELERATE_USE_CPU": "true", "PYTHONPATH": root, "OMP_NUM_THREADS": "1"}
    options = "--multi_gpu --num_machines 1 --num_processes 2 --mixed_precision no --dynamo_backend no"
    command = [sys.executable, "-m", "accelerate.commands.launch", *options.split(), "--main_process_port", "0"]
    command += [str(HERE / "empty_ranks_script.py"), str(folder), *NAMES]
    done = subprocess.run(
        command, env={**os.environ, **settings}, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in (0, 1)]


@pytest.mark.parametrize("case", ["no rank", "rank 0 alone"])
@pytest.mark.parametrize("name", NAMES)
def test_an_epoch_in_which_boxes_are_had_by(ranks, name, case):
    assert name in EVERY
    zero, one = (rank[f"{name}, {case}"] for rank in ranks)
    for losses in (zero["losses"], one["losses"]):
        assert len(losses) == STEPS
        assert all(math.isfinite(value) and value >= 0 for step in losses for value in step.values())
    # Gradients were averaged: a rank without a box has the weights of the other, and they are numbers.
    assert math.isfinite(zero["norm"]) and zero["norm"] > 0
    assert (zero["sum"], zero["norm"]) == (one["sum"], one["norm"])
    of_boxes = [value for step in one["losses"] for key, value in step.items() if "box" in key or "mask" in key]
    assert of_boxes and not any(of_boxes), "rank 1 has no box to learn from"
    if case == "rank 0 alone":
        assert any(value > 0 for step in zero["losses"] for key, value in step.items() if "box" in key)
