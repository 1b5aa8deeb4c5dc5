"""An epoch without a box, on all ranks and on one of two: every detector trains on, and all ranks agree."""

import json
import math
from pathlib import Path

import pytest

from tests.models.detectors.empty_ranks_script import STEPS
from tests.models.detectors.every import EVERY
from tests.processes import finished, launched

HERE = Path(__file__).parent
NAMES = ["RetinaNet", "FCOS", "SSD", "FasterRCNN", "CascadeMaskRCNN"]  # of each kind of head one


@pytest.fixture(scope="module")
def ranks(tmp_path_factory) -> list[dict]:
    """What each of two processes noted; one launch for all, which ends by itself where no rank waits for the other."""
    folder = tmp_path_factory.mktemp("empty_ranks")
    finished(launched(str(HERE / "empty_ranks_script.py"), str(folder), *NAMES, processes=2))
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
