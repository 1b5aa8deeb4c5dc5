import json

import pytest
from toy_training import toy_loader, toy_runner

from specdet.runner.checkpoint import FOLDER, list_checkpoints
from specdet.runner.hooks.base import Hook


def run(work_dir, *, metrics=None, checkpoint, max_iters=6, hooks=(), resume=False):
    """Six steps in epochs of three; `metrics[iter]` is what evaluation finds after each step."""
    runner = toy_runner(work_dir)
    runner.register_training_hooks(optimizer={}, checkpoint=checkpoint)
    runner.register_hook({"type": "Evaluation", "every": {"iters": 1}}, name="evaluate")
    for hook in hooks:
        runner.register_hook(hook)
    runner.evaluate = metrics and (lambda: {"bbox/AP": metrics[runner.iter]})
    if resume:
        runner.resume(work_dir)
    runner.run([toy_loader(size=12, batch=4)], [("train", 1)], max_iters=max_iters)
    return sorted(int(path.name[5:]) for path in list_checkpoints(work_dir / FOLDER))


def test_every_so_many_steps_and_at_the_end(tmp_path):
    assert run(tmp_path, checkpoint={"every": {"iters": 4}, "keep_last": 9}) == [4, 6]


def test_every_epoch(tmp_path):
    assert run(tmp_path, checkpoint={"keep_last": 9}, max_iters=7) == [3, 6, 7]


def test_the_best_is_saved_when_it_is_measured_and_outlives_newer_ones(tmp_path):
    metrics = dict(enumerate([0.1, 0.5, 0.3, float("nan"), 0.4, 0.2], start=1))
    assert run(
        tmp_path, metrics=metrics, checkpoint={"every": {"iters": 3}, "keep_last": 1, "keep_best": "bbox/AP"}
    ) == [2, 6]
    best = json.loads((tmp_path / FOLDER / "best.json").read_text())
    assert best == {"checkpoint": "iter_00000002", "iter": 2, "metric": "bbox/AP", "value": 0.5}


def test_less_may_be_better(tmp_path):
    metrics = dict(enumerate([5.0, 4.0, 2.0, 3.0, 6.0, 7.0], start=1))
    checkpoint = {"every": {"iters": 6}, "keep_last": 1, "keep_best": "bbox/AP", "mode": "min"}
    assert run(tmp_path, metrics=metrics, checkpoint=checkpoint) == [3, 6]


def test_the_best_is_remembered_over_a_resume(tmp_path):
    checkpoint = {"every": {"iters": 2}, "keep_last": 1, "keep_best": "bbox/AP"}
    metrics = dict(enumerate([0.1, 0.9, 0.2, 0.3, 0.4, 0.5], start=1))
    assert run(tmp_path, metrics=metrics, checkpoint=checkpoint, max_iters=4) == [2, 4]
    assert run(tmp_path, metrics=metrics, checkpoint=checkpoint, resume=True) == [2, 6]


def test_a_metric_that_nobody_measures_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"'bbox/APP' \(did you mean 'bbox/AP'\?\)"):
        run(tmp_path, metrics=dict.fromkeys(range(7), 0.1), checkpoint={"keep_best": "bbox/APP"})


def test_a_stopped_run_is_saved_where_it_stopped(tmp_path):
    class Stops(Hook):
        def after_train_iter(self, runner):
            if runner.iter == 2:
                runner.request_stop("enough")

    assert run(tmp_path, checkpoint={}, hooks=[Stops()]) == [2]
    assert json.loads((tmp_path / FOLDER / "iter_00000002" / "progress.json").read_text())["batch"] == 2


def test_spoilt_weights_are_not_saved(tmp_path):
    class Spoils(Hook):
        def after_train_forward(self, runner):
            if runner.iter == 1:
                runner.log_buffer.update({"loss/late": float("nan")}, 1)

    with pytest.raises(FloatingPointError, match="loss/late"):
        run(tmp_path, checkpoint={"every": {"iters": 1}}, hooks=[Spoils()])
    assert [path.name for path in list_checkpoints(tmp_path / FOLDER)] == ["iter_00000001"]


def test_without_a_place_to_write_to_it_says_so():
    with pytest.raises(ValueError, match="give the Runner a work_dir"):
        runner = toy_runner()
        runner.register_training_hooks(optimizer={}, checkpoint={})
        runner.run([toy_loader()], [("train", 1)], 1)


def test_what_was_trained_is_kept_when_a_metric_is_wrong(tmp_path):
    with pytest.raises(ValueError, match="no metric is called 'bbox/APP'"):
        run(tmp_path, metrics=dict.fromkeys(range(7), 0.1), checkpoint={"every": {"iters": 1}, "keep_best": "bbox/APP"})
    assert list_checkpoints(tmp_path / FOLDER)


def test_a_metric_of_another_source_may_come_later(tmp_path):
    metrics = dict.fromkeys(range(7), 0.1)
    assert run(tmp_path, metrics=metrics, checkpoint={"keep_best": "val/loss", "keep_last": 9}) == [3, 6]
