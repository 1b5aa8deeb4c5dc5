import importlib.util

import pytest
import torch
from toy_training import ToyModel, toy_loader, toy_runner

from specdet.runner.hooks.base import Hook
from specdet.runner.spec import PeriodSpec


class Norms(Hook):
    priority = "VERY_LOW"

    def __init__(self):
        self.after, self.logged = [], []

    def after_train_iter(self, runner):
        grads = [parameter.grad for parameter in runner.unwrapped_model.parameters()]
        self.after.append(torch.nn.utils.get_total_norm(grads).item())
        self.logged.append(runner.log_buffer.output.get("grad_norm"))


def norms(**options):
    torch.manual_seed(2)
    runner, hook = toy_runner(model=ToyModel(dropout=0.0), log_every=PeriodSpec(iters=1)), Norms()
    runner.register_training_hooks(optimizer=options)
    runner.register_hook(hook)
    runner.run([toy_loader(size=8, batch=4)], [("train", 1)], max_iters=1)
    return hook


def test_gradients_are_clipped_and_their_norm_before_is_logged():
    plain = norms()
    limit = plain.after[0] / 4
    clipped = norms(grad_clip={"max_norm": limit})
    assert plain.logged == [None]
    assert clipped.logged[0] == pytest.approx(plain.after[0], rel=1e-5)
    assert clipped.after[0] == pytest.approx(limit, rel=1e-4)


def test_without_an_optimizer_it_says_so():
    runner = toy_runner(optimizer="none")
    runner.register_training_hooks(optimizer={})
    with pytest.raises(ValueError, match="needs an optimizer"):
        runner.run([toy_loader()], [("train", 1)], 1)


def test_no_step_looks_for_packages_on_the_disk(monkeypatch):
    looked = []
    find = importlib.util.find_spec

    def noted(name, package=None):
        looked.append(name)
        return find(name, package)

    class Looks(Hook):
        def before_train_epoch(self, runner):
            monkeypatch.setattr(importlib.util, "find_spec", noted)

        def after_train_epoch(self, runner):
            monkeypatch.undo()

    runner = toy_runner()
    runner.register_training_hooks(optimizer={"grad_clip": {"max_norm": 1.0}})
    runner.register_hook(Looks())
    runner.run([toy_loader()], [("train", 1)], 1)
    assert runner.iter > 1 and not looked
