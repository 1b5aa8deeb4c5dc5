"""How losses become numbers."""

import torch
from torch import distributed

from specdet.models.reduction import mean_over_ranks, reduce_loss


def test_only_what_is_used_counts_even_where_the_rest_is_infinite():
    losses = torch.tensor([[1.0, torch.inf], [torch.nan, 3.0]])
    used = torch.tensor([[True, False], [False, True]])
    assert reduce_loss(losses, used=used, normalizer=torch.tensor(8.0)).item() == 0.5


def test_nothing_used_gives_zero_with_zero_gradients():
    losses = torch.ones(2, 3, requires_grad=True)
    reduce_loss(losses, used=torch.zeros(2, 3, dtype=torch.bool), normalizer=torch.tensor(1.0)).backward()
    assert losses.grad.tolist() == [[0.0] * 3] * 2


def test_alone_the_count_is_the_mean():
    count = torch.tensor(5.0)
    assert mean_over_ranks(count) is count


def test_several_processes_share_their_mean(monkeypatch):
    others = 14.0
    monkeypatch.setattr(distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(distributed, "get_world_size", lambda: 2)
    monkeypatch.setattr(distributed, "all_reduce", lambda tensor: tensor.add_(others))
    own = torch.tensor(10.0)
    assert mean_over_ranks(own).item() == 12.0
    assert own.item() == 10.0
