import pytest
from toy_training import toy_loader, toy_runner


@pytest.mark.parametrize(
    ("values", "options", "stops_at"),
    [
        ([0.1, 0.2, 0.2, 0.1, 0.3, 0.3, 0.3, 0.3], {"patience": 3}, 8),
        ([0.1, 0.2, 0.2, 0.1, 0.3, 0.3, 0.3, 0.3], {"patience": 2}, 4),
        ([3.0, 2.0, 1.0, 0.9, 0.8, 0.7, 0.6, 0.5], {"patience": 2, "mode": "min"}, None),
        ([3.0, 2.0, 1.0, 0.9, 0.8, 0.7, 0.6, 0.5], {"patience": 2, "mode": "min", "min_delta": 0.5}, 5),
        ([float("nan"), float("nan"), 0.1, 0.1, 0.1, 0.2, 0.3, 0.4], {"patience": 3}, None),
    ],
)
def test_stops_when_nothing_got_better(values, options, stops_at):
    runner = toy_runner()
    runner.register_training_hooks(optimizer={})
    runner.register_hook({"type": "Evaluation"}, name="evaluate")
    runner.register_hook({"type": "EarlyStopping", "metric": "bbox/AP", **options}, name="stop")
    runner.evaluate = lambda: {"bbox/AP": values[runner.epoch - 1]}
    runner.run([toy_loader(size=4, batch=4)], [("train", 1)], len(values))
    assert runner.epoch == (stops_at or len(values))
    assert (runner.stop_reason is not None) == (stops_at is not None)
    if stops_at:
        assert "bbox/AP has not got better than" in runner.stop_reason
