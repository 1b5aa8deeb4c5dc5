import pytest

from specdet.runs.status import RunStatus
from specdet.runs.words import byte_count, duration, main_metric, measured


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (59.9, "59s"), (60, "1m"), (3720, "1h02m"), (86400, "1d0h"), (190000, "2d4h")]
)
def test_durations(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2e9, "2.0 GB"), (3e15, "3000.0 TB")]
)
def test_bytes(count, text):
    assert byte_count(count) == text


@pytest.mark.parametrize(
    ("last", "best", "iter", "text"),
    [
        ({"m": 0.5}, {"m": 0.5}, {"m": 80}, "0.5"),
        ({"m": 0.25}, {"m": 0.5}, {"m": 80}, "0.25 (best 0.5 at 80)"),
        ({"m": None}, {"m": 0.5}, {"m": 80}, "not finite (best 0.5 at 80)"),
        ({"m": None}, {}, {}, "not finite"),
        ({}, {"m": 0.5}, {"m": 80}, "best 0.5 at 80"),
        ({"other": 1.0}, {"other": 1.0}, {}, ""),
        ({"m": 0.123456}, {}, {}, "0.1235"),
    ],
)
def test_a_metric_is_told_with_its_best_where_that_is_another(last, best, iter, text):
    assert measured(RunStatus(id="a", name="a", state="finished", last=last, best=best, best_iter=iter), "m") == text


@pytest.mark.parametrize(
    ("last", "best", "metric"),
    [
        ({"loss": 1.0}, {"proposal/AR@100": 0.5, "bbox/AP": 0.1}, "bbox/AP"),
        ({}, {"segm/AP": 0.1, "bbox/AP": 0.1}, "bbox/AP"),
        ({"loss": 1.0}, {"mine/F1": 0.5, "mine/F2": 0.5}, "mine/F1"),
        ({"loss": 1.0}, {}, "loss"),
        ({}, {}, ""),
    ],
)
def test_the_main_metric_is_that_of_the_field_else_what_there_is(last, best, metric):
    assert main_metric(RunStatus(id="a", name="a", state="finished", last=last, best=best)) == metric
