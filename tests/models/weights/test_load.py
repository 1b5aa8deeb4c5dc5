"""Weights that fit, and one message for all that does not."""

import pytest
import torch
from torch import nn

from specdet.models.weights.load import load_weights


def module() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))


def test_counters_may_be_missing_and_prefixes_are_taken_off():
    source, target = module(), module()
    weights = {f"part.{name}": each for name, each in source.state_dict().items() if "tracked" not in name}
    load_weights(target, {**weights, "other.x": torch.ones(1)}, source="w", prefix="part.")
    assert torch.equal(target[0].weight, source[0].weight)


def test_all_misfits_are_said_at_once_and_nothing_is_copied():
    target = module()
    before = target[0].bias.clone()
    weights = {
        **module().state_dict(),
        "0.weight": torch.ones(4, 2),
        "fc.weight": torch.ones(1),
        "extra": torch.ones(1),
    }
    weights["0.bias"] = torch.full((3,), 7.0)
    del weights["1.running_mean"]
    with pytest.raises(ValueError) as caught:
        load_weights(target, weights, source="w.pth", unused=("fc.",))
    assert str(caught.value) == (
        "w.pth: the weights do not fit Sequential. missing: 1.running_mean; not in the model: extra; "
        "other shape: 0.weight (4, 2) (the model has (3, 2))"
    )
    assert torch.equal(target[0].bias, before)


def test_long_lists_are_cut():
    weights = {f"x{number}": torch.ones(1) for number in range(30)}
    with pytest.raises(ValueError, match="x7 and 22 more"):
        load_weights(module(), weights, source="w")
