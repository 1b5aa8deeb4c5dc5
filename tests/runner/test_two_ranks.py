"""What only two processes can get wrong; one launch for all, since starting one takes seconds."""

import json
from pathlib import Path

import pytest

from specdet.runner.checkpoint import FOLDER, list_checkpoints
from tests.processes import finished, launched

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two_ranks")
    finished(launched(str(HERE / "two_ranks_script.py"), str(folder), processes=2))
    return folder, [json.loads((folder / f"{rank}.json").read_text()) for rank in (0, 1)]


def test_averages_are_weighted_over_ranks_whatever_names_each_has(ranks):
    expected = {"loss": (1 * 1 + 2 * 3) / 4, "only 0": 5.0, "only 1": 5.0}
    for found in ranks[1]:
        first, second, nonfinite, reductions = found["averages"]
        assert first == second == expected
        assert nonfinite == {"loss": 1}  # on the rank that has it and on the other
        assert reductions == 2 + 1 + 1  # names are gathered, and sums reduced again, only where one is new


def test_normalizers_are_averaged_over_batches_and_if_asked_over_ranks(ranks):
    zero, one = ranks[1]
    for own, first, second in (zero["rank"], one["rank"]):
        assert first == second == pytest.approx(own)
    mean = (zero["rank"][0] + one["rank"][0]) / 2
    assert zero["rank"][0] != one["rank"][0]
    assert zero["global"][1:] == one["global"][1:] == [pytest.approx(mean)] * 2


def test_validation_uses_the_buffers_of_rank_0(ranks):
    assert [found["buffers"] for found in ranks[1]] == [[3.0, 3.0]] * 2


def test_a_signal_to_one_rank_stops_both_at_the_same_step_with_a_checkpoint(ranks):
    folder, (zero, one) = ranks
    iter, code = zero["stopped"]
    assert zero["stopped"] == one["stopped"] and code == 75
    assert 5 <= iter < 100
    assert [path.name for path in list_checkpoints(folder / "run" / FOLDER)] == [f"iter_{iter:08d}"]
