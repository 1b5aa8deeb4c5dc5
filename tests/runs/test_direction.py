import pytest

from specdet.runs.direction import is_better, lower_is_better


@pytest.mark.parametrize(
    ("metric", "lower"), [("loss", True), ("val/loss/cls", True), ("bbox/AP", False), ("lossless", False)]
)
def test_less_is_better_of_losses_alone(metric, lower):
    assert lower_is_better(metric) is lower


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
