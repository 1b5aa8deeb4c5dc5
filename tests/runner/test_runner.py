import json
from copy import deepcopy

import pytest
import torch
from toy_training import ToyModel, toy_loader, toy_runner

from specdet.runner.hooks.base import POINTS, Hook
from specdet.runner.spec import PeriodSpec


class Witness(Hook):
    """Writes down every point with the clock."""

    def __init__(self):
        self.seen: list[tuple[str, int, int, int, str]] = []


for point in POINTS:

    def note(self, runner, point=point):
        self.seen.append((point, runner.epoch, runner.iter, runner.inner_iter, runner.mode))

    setattr(Witness, point, note)


class Remembers(Hook):
    def __init__(self, what):
        self.what, self.values = what, []

    def before_train_iter(self, runner) -> None:
        self.values.append(self.what(runner))


def trained(runner, *, loaders=None, workflow=(("train", 1),), **length):
    loaders = loaders or [toy_loader(size=12, batch=4) for _ in workflow]
    if "optimizer" not in dict(runner.named_hooks):
        runner.register_training_hooks(optimizer={})
    runner.run(loaders, workflow, **length)
    return runner


def test_hook_points_come_in_order_with_one_clock():
    runner, witness = toy_runner(), Witness()
    runner.register_hook(witness)
    trained(runner, loaders=[toy_loader(size=8, batch=4), toy_loader(size=4, batch=4)],
            workflow=[("train", 1), ("val", 1)], max_epochs=1)  # fmt: skip
    assert witness.seen == [
        ("before_run", 0, 0, 0, "train"),
        ("before_train_epoch", 0, 0, 0, "train"),
        ("before_train_iter", 0, 0, 0, "train"),
        ("after_train_forward", 0, 0, 0, "train"),
        ("after_train_iter", 0, 1, 0, "train"),
        ("before_train_iter", 0, 1, 1, "train"),
        ("after_train_forward", 0, 1, 1, "train"),
        ("after_train_iter", 0, 2, 1, "train"),
        ("after_train_epoch", 1, 2, 1, "train"),
        ("before_val_epoch", 1, 2, 1, "val"),
        ("before_val_iter", 1, 2, 0, "val"),
        ("after_val_iter", 1, 2, 0, "val"),
        ("after_val_epoch", 1, 2, 0, "val"),
        ("after_run", 1, 2, 0, "val"),
    ]


def test_one_iter_is_as_many_batches_as_accumulate_and_the_ragged_rest_is_dropped():
    runner, witness = toy_runner(accumulate=2), Witness()
    runner.register_hook(witness)
    trained(runner, loaders=[toy_loader(size=20, batch=4)], max_epochs=2)
    points = [seen[0] for seen in witness.seen]
    assert points.count("after_train_forward") == 8 and points.count("after_train_iter") == 4
    assert runner.iter == 4 and runner.epoch == 2 and runner.progress.batch == 0


def test_max_iters_ends_in_the_midst_of_an_epoch():
    runner, witness = toy_runner(), Witness()
    runner.register_hook(witness)
    trained(runner, max_iters=4)
    assert (runner.iter, runner.epoch, runner.progress.batch) == (4, 1, 1)
    assert [seen[0] for seen in witness.seen].count("after_train_epoch") == 1
    assert runner.max_epochs == 2


@pytest.mark.parametrize(
    ("workflow", "modes"),
    [
        ([("train", 2), ("val", 1)], "ttvtv"),  # the last cycle is cut short, its validation is not
        ([("val", 1), ("train", 1)], "vtvtvt"),
        ([("train", 1), ("val", 2), ("train", 1)], "tvvttvv"),
    ],
)
def test_workflows(workflow, modes):
    runner, witness = toy_runner(), Witness()
    runner.register_hook(witness)
    trained(runner, workflow=workflow, max_epochs=3)
    assert "".join(seen[0][7] for seen in witness.seen if seen[0].startswith("before_") and "epoch" in seen[0]) == modes


def test_val_is_in_eval_mode_without_gradients_and_gives_metrics():
    seen = []

    def processor(model, batch, train_mode):
        seen.append((train_mode, model.training, torch.is_grad_enabled()))
        loss = model(batch)["loss/error"]
        return {"loss": loss, "log_vars": {"loss": loss.detach()}, "num_samples": len(batch)}

    runner = toy_runner(optimizer="none", batch_processor=processor)
    runner.val(toy_loader(size=12, batch=4))
    assert seen == [(False, False, False)] * 3
    assert runner.model.training and set(runner.metrics) == {"val/loss"}
    model = ToyModel()
    model.load_state_dict(runner.unwrapped_model.state_dict())
    expected = torch.stack([model.eval()(batch)["loss/error"] for batch in toy_loader(size=12, batch=4)]).mean()
    assert runner.metrics["val/loss"] == pytest.approx(expected.item(), rel=1e-6)


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        (None, 'returned NoneType; it must return a dict with "loss"'),
        ({"log_vars": {}, "num_samples": 1}, 'without "loss"; it must return'),
        ({"loss": torch.zeros(())}, 'without "log_vars", "num_samples"; it must return'),
    ],
)
def test_a_batch_processor_that_returns_something_else_is_told_what_to_return(outputs, message):
    runner = toy_runner(batch_processor=lambda model, batch, train_mode: outputs)
    with pytest.raises(TypeError, match=message):
        trained(runner, max_epochs=1)


def test_learning_rates_are_initial_ones_times_the_schedule():
    class Ramp:
        def factor(self, *, iter, iters_per_epoch, max_iters):
            assert (iters_per_epoch, max_iters) == (3, 6)
            return (iter + 1) / max_iters

    model = ToyModel()
    groups = [{"params": model.body[0].parameters(), "lr": 1.0}, {"params": model.body[4].parameters(), "lr": 0.1}]
    runner = toy_runner(model=model, optimizer="none")
    runner.optimizer = runner.accelerator.prepare(torch.optim.SGD(groups))
    rates = Remembers(lambda runner: [group["lr"] for group in runner.optimizer.param_groups])
    runner.register_training_hooks(lr=Ramp())
    runner.register_hook(rates)
    trained(runner, max_epochs=2)
    assert rates.values == [pytest.approx([(step + 1) / 6, (step + 1) / 60]) for step in range(6)]


def test_a_step_is_that_of_a_plain_loop():
    model = ToyModel(dropout=0.0)
    reference = deepcopy(model)
    runner = trained(toy_runner(optimizer="SGD", model=model), max_epochs=2)
    optimizer = torch.optim.SGD(reference.parameters(), lr=0.05, momentum=0.9)
    loader = toy_loader(size=12, batch=4)
    for epoch in range(2):
        loader.batch_sampler.seek(epoch=epoch, batch=0)
        for batch in loader:
            optimizer.zero_grad()
            reference(batch)["loss/error"].backward()
            optimizer.step()
    for name, value in reference.state_dict().items():
        assert torch.equal(value, runner.unwrapped_model.state_dict()[name]), name


def test_a_loss_that_is_not_finite_ends_the_run_and_says_where():
    def processor(model, batch, train_mode):
        loss = model(batch)["loss/error"]
        bad = loss * (float("nan") if runner.iter == 4 else 1.0)
        return {"loss": loss, "log_vars": {"loss/error": bad.detach(), "fine": 1.0}, "num_samples": 4}

    runner = toy_runner(batch_processor=processor, log_every=PeriodSpec(iters=3))
    with pytest.raises(
        FloatingPointError,
        match=r"between iter 4 and 6: loss/error \(1 times\); seen first in iter 5\. Things to try: lower",
    ):
        trained(runner, max_epochs=4)
    assert runner.iter == 6


def test_stop_requests_end_the_run_after_the_step():
    class Stops(Hook):
        def after_train_iter(self, runner):
            if runner.iter == 2:
                runner.request_stop("enough")

    runner, witness = toy_runner(), Witness()
    runner.register_hook(Stops())
    runner.register_hook(witness)
    trained(runner, max_epochs=5)
    assert (runner.iter, runner.stop_reason, runner.exit_code) == (2, "enough", 0)
    assert witness.seen[-1][0] == "after_run"


def test_exceptions_reach_hooks_and_the_caller():
    class Fails(Hook):
        def after_train_iter(self, runner):
            raise KeyError("lost")

    runner, witness = toy_runner(), Witness()
    runner.register_hook(Fails())
    runner.register_hook(witness)
    with pytest.raises(KeyError, match="lost"):
        trained(runner, max_epochs=1)
    assert witness.seen[-1][0] == "on_exception" and isinstance(runner.exception, KeyError)


def test_order_of_hooks_is_kept_in_meta(tmp_path):
    runner = toy_runner(tmp_path)
    runner.register_training_hooks(checkpoint={})
    trained(runner, max_epochs=1)
    assert json.loads((tmp_path / "meta.json").read_text())["hooks"] == runner.hook_order
    assert [line.split()[:2] for line in runner.hook_order] == [
        ["HIGH", "optimizer"], ["LOW", "log_window"], ["LOW", "checkpoint"], ["VERY_LOW", "control"],
    ]  # fmt: skip


def test_dropout_is_a_function_of_the_seed():
    def weights(seed):
        torch.manual_seed(torch.seed() % 1000)  # whatever was drawn before
        return trained(toy_runner(seed=seed), max_epochs=1).unwrapped_model.state_dict()["body.0.weight"]

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


def test_accumulate_must_be_that_of_the_accelerator():
    runner = toy_runner(accumulate=2)
    with pytest.raises(ValueError, match=r"accumulate is 3, but the accelerator was made for 2: use make_accelerator"):
        type(runner)(ToyModel(), accelerator=runner.accelerator, accumulate=3)


@pytest.mark.parametrize(
    ("loaders", "workflow", "length", "message"),
    [
        (1, [("train", 1)], {}, "either max_epochs or max_iters"),
        (1, [("train", 1)], {"max_epochs": 1, "max_iters": 1}, "either max_epochs or max_iters"),
        (1, [("train", 1), ("val", 1)], {"max_epochs": 1}, "2 entries, 1 loaders"),
        (1, [("test", 1)], {"max_epochs": 1}, "got \\('test', 1\\)"),
        (1, [("val", 1)], {"max_epochs": 1}, "trains nothing"),
    ],
)
def test_plans_that_cannot_be_run(loaders, workflow, length, message):
    with pytest.raises(ValueError, match=message):
        toy_runner().run([toy_loader()] * loaders, workflow, **length)


def test_an_epoch_without_a_whole_step_is_an_error():
    with pytest.raises(ValueError, match="1 batches, fewer than the 2 of one optimizer step"):
        toy_runner(accumulate=2).run([toy_loader(size=4, batch=4)], [("train", 1)], 1)
