from types import SimpleNamespace

import pytest
import torch

from specdet.runner import agreement
from specdet.runner.agreement import Agreement
from specdet.runner.asks import ASKS


class OtherRank:
    """Stands for an accelerator of two processes: what the other one is asked for is added to every reduction."""

    num_processes = 2
    device = torch.device("cpu")

    def __init__(self, *asked: str):
        self.asked, self.reductions = asked, 0

    def reduce(self, vector, *, reduction):
        assert reduction == "sum"
        self.reductions += 1
        seconds = vector[-1:]
        return vector + torch.cat([torch.tensor([float(name in self.asked) for name in ASKS]), seconds])


def test_one_process_acts_at_once_and_asks_nobody():
    alone = SimpleNamespace(num_processes=1)  # without a way to reduce anything
    assert Agreement(alone).agreed(("stop",)) == ("stop",)


@pytest.mark.parametrize("name", ASKS)
def test_what_another_rank_is_asked_for_is_for_all(name):
    assert Agreement(OtherRank(name)).agreed(()) == [name]


def test_all_that_ranks_are_asked_for_is_told_together():
    assert set(Agreement(OtherRank("checkpoint", "orphaned")).agreed(("evaluate", "checkpoint"))) == {
        "checkpoint", "orphaned", "evaluate",
    }  # fmt: skip


@pytest.mark.parametrize("seconds", [0.001, 0.03, 5.0])
def test_ranks_ask_each_other_about_once_a_second_and_never_more_often_than_they_step(monkeypatch, seconds):
    now = [0.0]
    monkeypatch.setattr(agreement.time, "monotonic", lambda: now[0])
    other, steps = OtherRank(), 20_000
    agreed = Agreement(other)
    for _ in range(steps):
        now[0] += seconds
        assert not agreed.agreed(())
    warm_up = 10  # the interval doubles up to a thousand steps
    assert other.reductions <= min(steps, steps * seconds / agreement.PERIOD * 1.1 + warm_up)
    assert other.reductions >= min(steps, steps * seconds / agreement.PERIOD / 2)
