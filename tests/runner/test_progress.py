import json

import pytest

from specdet.runner.progress import Best, Progress


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
