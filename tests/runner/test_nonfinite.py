"""Losses, gradients and weights that are no finite numbers, injected, under each policy."""

import copy
import json

import pytest
import torch
from toy_training import ToyModel, toy_loader, toy_runner

from specdet.runner.batch_processor import batch_processor
from specdet.runner.hooks.base import Hook
from specdet.runner.spec import EMAHookSpec, PeriodSpec
from specdet.runs.metrics import Metrics
from specdet.runs.tail import Event

NAN = float("nan")


class Poison(Hook):
    """Makes the gradient, the loss, or the inputs not finite in the steps that it is told, whenever these are taken."""

    priority = "VERY_HIGH"

    def __init__(self, what: str, *iters: int):
        self.what, self.iters = what, iters
        self.model, self.iter = None, 0

    def before_run(self, runner):
        self.model = runner.unwrapped_model

    def before_train_iter(self, runner):
        self.iter = runner.iter + 1

    def __call__(self, model, batch, train_mode):
        poisoned = train_mode and self.iter in self.iters
        if poisoned and self.what == "input":
            batch.x[0, 0] = NAN
        outputs = batch_processor(model, batch, train_mode)
        if poisoned and self.what == "loss":
            outputs["loss"] = outputs["loss"] * NAN
            outputs["log_vars"]["loss/error"] = outputs["loss"].detach()
        if poisoned and self.what == "gradient":
            outputs["loss"] = outputs["loss"] + (self.model.body[0].weight[0, 0] * 0).sqrt() * 0  # 0 times infinity
        return outputs


def run(folder, poison, *, hooks=(), checkpoint=2, iters=9, resume=None, **settings):
    runner = toy_runner(folder, batch_processor=poison, log_every=PeriodSpec(iters=3), seed=3, **settings)
    runner.register_hook(poison, name="poison")
    runner.register_training_hooks(optimizer={}, checkpoint={"every": {"iters": checkpoint}, "keep_last": "all"})
    for hook in (*hooks, {"type": "Events"}):
        runner.register_hook(hook)
    if resume is not None:
        runner.resume(resume)
    runner.run([toy_loader(size=40, batch=4)], [("train", 1)], max_iters=iters)
    return runner


def events(folder, kind: str) -> list[dict]:
    found = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    return [each for each in found if each["kind"] == kind]


def warnings(folder) -> list[dict]:
    return [each["data"] for each in events(folder, "log") if each["data"].get("level") == "warning"]


def state_of(runner) -> list[torch.Tensor]:
    optimizer = [value for state in runner.optimizer.state_dict()["state"].values() for value in state.values()]
    return [*runner.unwrapped_model.state_dict().values(), *optimizer]


def same(one, other) -> bool:
    pairs = zip(state_of(one), state_of(other), strict=True)
    return all(torch.equal(torch.as_tensor(left), torch.as_tensor(right)) for left, right in pairs)


@pytest.mark.parametrize(
    ("what", "named"),
    [("loss", r"loss/error \(\d times\)"), ("input", r"loss/error \(\d times\)"), ("gradient", "body.0.weight")],
)
def test_it_ends_the_run_within_a_window_and_no_spoilt_weights_are_kept(tmp_path, what, named):
    with pytest.raises(FloatingPointError, match=rf"between iter 4 and [56]: .*{named}"):
        run(tmp_path, Poison(what, 5), checkpoint=1)
    saved = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert saved == [f"iter_{iter:08d}" for iter in range(1, 5)]


def test_the_steps_around_it_are_written_down(tmp_path):
    with pytest.raises(FloatingPointError) as error:
        run(tmp_path, Poison("loss", 5), checkpoint=100)
    path = tmp_path / "nonfinite" / "iter_00000006.json"
    assert f"seen first in iter 5 (see {path})" in str(error.value)
    found = json.loads(path.read_text())
    assert (found["found_at"], found["seed"]) == (6, 3)
    assert [step["iter"] for step in found["steps"]] == [4, 5, 6]
    assert [step["nonfinite"] for step in found["steps"]][:2] == [[], ["loss/error"]]
    bad = found["steps"][1]["values"]
    assert bad["loss/error"] is None and 0 < bad["weight"] < 10


@pytest.mark.parametrize("what", ["loss", "input", "gradient"])
@pytest.mark.parametrize("optimizer", ["AdamW", "SGD"])
def test_a_step_that_is_left_out_changes_nothing(tmp_path, what, optimizer):
    seen = {}

    class Watches(Hook):
        def before_train_iter(self, runner):
            seen["before", runner.iter + 1] = copy.deepcopy(state_of(runner))

        def after_train_iter(self, runner):
            seen["after", runner.iter] = copy.deepcopy([*state_of(runner), *runner.averaged.tensors().values()])

    ema = EMAHookSpec(decay=0.5, warmup=0)
    poison = Poison(what, 5, 6)
    runner = run(tmp_path, poison, hooks=[ema, Watches()], optimizer=optimizer, on_nonfinite="skip")
    assert runner.iter == 9 and runner.progress.skipped_steps == 2
    for iter in (5, 6):
        for before, after in zip(seen["after", 4], seen["after", iter], strict=True):
            assert torch.equal(before, after)
    assert not all(map(torch.equal, seen["after", 6], seen["after", 7]))
    (told,) = warnings(tmp_path)
    assert told["message"].startswith("2 steps were left out (5, 6): not a finite number between iter 4 and 6: ")
    measured = {event["step"]: event["data"].get("skipped_steps") for event in events(tmp_path, "metric")}
    assert measured == {3: None, 6: 2, 9: 2}


def test_too_many_left_out_in_a_row_end_the_run(tmp_path):
    with pytest.raises(FloatingPointError, match=r"between iter 3 and 5: gradient \(4 times\)"):
        run(tmp_path, Poison("loss", 3, 4, 5, 6), on_nonfinite="skip", max_skipped_steps=3)
    apart = run(tmp_path / "apart", Poison("loss", 2, 3, 4, 6, 7, 8), on_nonfinite="skip", max_skipped_steps=3)
    assert apart.progress.skipped_steps == 6


@pytest.mark.parametrize("what", ["loss", "input", "gradient"])
def test_going_back_leaves_the_bad_step_out_and_nothing_else(tmp_path, what):
    back = run(tmp_path / "back", Poison(what, 5), on_nonfinite="rollback")
    skipped = run(tmp_path / "skip", Poison(what, 5), on_nonfinite="skip")
    assert same(back, skipped)
    assert back.nonfinite.rollbacks == 1 and back.progress.skipped_steps == 1
    first, second = warnings(tmp_path / "back")
    assert first["back_to"] == 4 and first["message"].startswith("went back to iter 4, and leaves out")
    assert second["message"].startswith("1 steps were left out (5)")
    assert not warnings(tmp_path / "skip")[0].get("back_to")


def test_a_run_that_went_back_and_is_then_resumed_ends_alike(tmp_path):
    whole = run(tmp_path / "whole", Poison("loss", 5), on_nonfinite="rollback", checkpoint=1)
    for iter in (3, 4, 5, 6, 8):
        source = tmp_path / "whole" / "checkpoints" / f"iter_{iter:08d}"
        folder = tmp_path / f"resumed-{iter}"
        resumed = run(folder, Poison("loss", 5), on_nonfinite="rollback", checkpoint=1, resume=source)
        assert same(whole, resumed), iter
        assert resumed.progress.skipped_steps == whole.progress.skipped_steps == 1


def test_in_the_last_window_it_goes_back_as_well(tmp_path):
    back = run(tmp_path / "back", Poison("loss", 8), on_nonfinite="rollback", iters=8)
    assert back.iter == 8 and back.nonfinite.rollbacks == 1
    assert same(back, run(tmp_path / "skip", Poison("loss", 8), on_nonfinite="skip", iters=8))


def test_without_a_checkpoint_there_is_nothing_to_go_back_to(tmp_path):
    with pytest.raises(FloatingPointError, match="There is no checkpoint yet to go back to"):
        run(tmp_path, Poison("loss", 1), on_nonfinite="rollback", checkpoint=100)


def test_a_run_that_breaks_again_and_again_does_not_go_back_for_ever(tmp_path):
    class Breaks(Hook):
        """Spoils the weights after a step has been guarded: nothing that is left out would help."""

        def after_train_iter(self, runner):
            if runner.iter == 5:
                with torch.no_grad():
                    runner.unwrapped_model.body[0].weight[0, 0] = NAN

    with pytest.raises(FloatingPointError, match="gone back 10 times already"):
        run(tmp_path, Poison("loss"), hooks=[Breaks()], on_nonfinite="rollback")


def test_a_large_finite_weight_is_no_alarm(tmp_path):
    model = ToyModel()
    model.large = torch.nn.Parameter(torch.tensor([3e38, -3e38]), requires_grad=False)  # its 2-norm is infinite
    assert run(tmp_path, Poison("loss"), model=model, iters=3).iter == 3


def test_readers_of_a_run_forget_what_it_went_back_before():
    metrics = Metrics()

    def event(step, kind, **data):
        return Event(
            seq=0, attempt=1, t=float(step), kind=kind, step=step, epoch=0, data=data, nonfinite=()
        )  # fmt: skip

    metrics.add([event(3, "metric", loss=1.0), event(6, "metric", loss=2.0)])
    metrics.add([event(4, "log", message="went back", back_to=4), event(5, "metric", loss=3.0)])
    assert [*metrics.series["loss"].steps] == [3, 5]
