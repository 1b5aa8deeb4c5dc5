import json

import pytest

from specdet.runner.progress import Best, Progress, is_better


def test_record_keeps_the_last_and_the_best_of_each_metric():
    progress = Progress()
    for iter, (accuracy, loss) in enumerate([(0.2, 3.0), (0.5, 2.0), (0.4, 2.5)], start=1):
        progress.iter = iter
        progress.record({"bbox/AP": accuracy, "val/loss/cls": loss})
    progress.iter = 9
    progress.record({"other": 1.0})
    assert progress.metrics == {"bbox/AP": 0.4, "val/loss/cls": 2.5, "other": 1.0}
    assert progress.measured == {"bbox/AP": 3, "val/loss/cls": 3, "other": 9}
    assert progress.best == {"bbox/AP": Best(value=0.5, iter=2), "val/loss/cls": Best(value=2.0, iter=2),
                             "other": Best(value=1.0, iter=9)}  # fmt: skip
    assert Progress.from_table(json.loads(json.dumps(progress.to_table()))) == progress


def test_a_position_of_another_version_says_so():
    for table in ({}, {**Progress().to_table(), "more": 1}):
        with pytest.raises(ValueError, match="another version of specdet"):
            Progress.from_table(table)


@pytest.mark.parametrize(
    ("value", "than", "lower", "by", "expected"),
    [
        (2.0, 1.0, False, 0.0, True),
        (1.0, 1.0, False, 0.0, False),
        (2.0, 1.0, True, 0.0, False),
        (0.5, 1.0, True, 0.4, True),
        (0.7, 1.0, True, 0.4, False),
        (float("nan"), 1.0, False, 0.0, False),
        (float("nan"), 1.0, True, 0.0, False),
        (1.0, float("nan"), True, 0.0, True),
        (float("nan"), float("nan"), True, 0.0, False),
    ],
)
def test_is_better(value, than, lower, by, expected):
    assert is_better(value, than, lower=lower, by=by) is expected
