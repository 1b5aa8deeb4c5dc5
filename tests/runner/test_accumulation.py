"""Several batches of one step give the gradient of one big batch."""

import pytest
import torch
from toy_training import ToyModel, collate, toy_runner

from specdet.runner.hooks.base import Hook


def rows(count):
    generator = torch.Generator().manual_seed(1)
    weights = torch.tensor([0.0, 3.0, 1.0, 1.0, 0.0, 0.5, 2.0, 0.0, 7.0, 1.0, 1.0, 1.0])
    return [
        (torch.randn(6, generator=generator), torch.randn((), generator=generator), weights[i]) for i in range(count)
    ]


class Gradients(Hook):
    def after_train_iter(self, runner) -> None:
        self.values = {name: value.grad.clone() for name, value in runner.unwrapped_model.named_parameters()}


def gradients(batches, *, model):
    runner, hook = toy_runner(accumulate=len(batches), model=model, optimizer="SGD"), Gradients()
    runner.register_training_hooks(optimizer={})
    runner.register_hook(hook)
    runner.run([batches], [("train", 1)], 1)
    return hook.values


def fresh_model(kind=ToyModel):
    torch.manual_seed(0)
    return kind(dropout=0.0, norm=False)


@pytest.mark.parametrize("splits", [(6, 6), (3, 4, 5), (2, 9, 1)])
def test_shared_normalizers_give_the_gradient_of_one_big_batch(splits):
    all_rows = rows(12)
    starts = [sum(splits[:i]) for i in range(len(splits))]
    small = [collate(all_rows[start : start + size]) for start, size in zip(starts, splits, strict=True)]
    found = gradients(small, model=fresh_model())
    model = fresh_model()
    model(collate(all_rows))["loss/error"].backward()
    for name, value in model.named_parameters():
        torch.testing.assert_close(found[name], value.grad, rtol=1e-6, atol=1e-6)


def test_without_counts_the_gradient_is_the_mean_over_batches():
    class Uncounted(ToyModel):
        def forward(self, batch, *, returns="loss"):
            return {"loss/error": ((self.body(batch.x)[:, 0] - batch.y) ** 2).mean()}

        def normalizers(self, batch):
            return None

    all_rows = rows(12)
    small = [collate(all_rows[:3]), collate(all_rows[3:])]
    found = gradients(small, model=fresh_model(Uncounted))
    model = fresh_model(Uncounted)
    (sum(model(batch)["loss/error"] for batch in small) / 2).backward()
    for name, value in model.named_parameters():
        torch.testing.assert_close(found[name], value.grad, rtol=1e-6, atol=1e-6)
