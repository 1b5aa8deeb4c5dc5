import math

import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from toy_training import toy_loader, toy_runner

from specdet.runner.checkpoint import FOLDER
from specdet.runner.hooks.base import Hook
from specdet.runner.hooks.ema import AveragedWeights


class Trail(Hook):
    """Keeps the weights after each step."""

    def __init__(self):
        self.weights = []

    def after_train_iter(self, runner):
        self.weights.append({name: value.clone() for name, value in runner.unwrapped_model.state_dict().items()})


@pytest.mark.parametrize("warmup", [0, 3])
def test_parameters_are_averaged_by_the_formula_and_buffers_are_copied(tmp_path, warmup):
    runner, trail = toy_runner(tmp_path), Trail()
    runner.register_training_hooks(optimizer={}, checkpoint={})
    runner.register_hook({"type": "EMA", "decay": 0.8, "warmup": warmup}, name="ema")
    runner.register_hook(trail)
    expected = {name: value.clone() for name, value in runner.unwrapped_model.state_dict().items()}
    seen = []
    runner.evaluate = lambda: seen.append({k: v.clone() for k, v in runner.unwrapped_model.state_dict().items()}) or {}
    runner.register_hook({"type": "Evaluation", "every": {"iters": 6}}, name="evaluate")
    runner.run([toy_loader(size=24, batch=4)], [("train", 1)], 1)
    parameters = dict(runner.unwrapped_model.named_parameters())
    for step, weights in enumerate(trail.weights, start=1):
        decay = 0.8 * (1 - math.exp(-step / warmup)) if warmup else 0.8
        for name, value in weights.items():
            expected[name] = decay * expected[name] + (1 - decay) * value if name in parameters else value
    saved = load_file(tmp_path / FOLDER / "iter_00000006" / "ema.safetensors")
    assert saved.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(saved[name], value)
        assert torch.equal(seen[0][name], saved[name])  # evaluated with the average
        assert torch.equal(runner.unwrapped_model.state_dict()[name], trail.weights[-1][name])  # and back again


def test_weights_come_back_after_an_error_in_the_same_memory():
    model = nn.Linear(2, 2)
    averaged = AveragedWeights(model)
    own, place = model.weight.detach().clone(), model.weight.data_ptr()
    averaged.load({name: torch.zeros_like(value) for name, value in model.state_dict().items()})
    with pytest.raises(KeyError), averaged.swapped_in():
        assert (model.weight == 0).all()
        raise KeyError
    assert torch.equal(model.weight, own) and model.weight.data_ptr() == place


def test_weights_of_another_model_are_refused():
    with pytest.raises(ValueError, match="they differ in weight"):
        AveragedWeights(nn.Linear(2, 2)).load({"bias": torch.zeros(2)})


def test_two_averages_are_refused():
    runner = toy_runner()
    runner.register_training_hooks(optimizer={})
    for name in ("a", "b"):
        runner.register_hook({"type": "EMA"}, name=name)
    with pytest.raises(ValueError, match="use one"):
        runner.run([toy_loader()], [("train", 1)], 1)
