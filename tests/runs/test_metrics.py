import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specdet.runs.metrics import MOST_METRICS, Metrics, Series
from specdet.runs.tail import Event


def event(attempt, step, kind="metric", *, t=0.0, epoch=0, **data):
    return Event(seq=0, attempt=attempt, t=t, kind=kind, step=step, epoch=epoch, data=data)


def series(*events):
    metrics = Metrics()
    metrics.add(events)
    return {name: list(zip(each.steps, each.values, strict=True)) for name, each in metrics.series.items()}


def test_a_resumed_run_shows_neither_doubled_nor_rolled_back_steps():
    first = [event(1, step, loss=float(step)) for step in (10, 20, 30, 40)]
    preparing = event(2, 0, "phase", phase="prepare")
    training = event(2, 20, "phase", phase="train")
    assert series(*first, preparing) == {"loss": [(10, 10.0), (20, 20.0), (30, 30.0), (40, 40.0)]}
    assert series(*first, preparing, training) == {"loss": [(10, 10.0), (20, 20.0)]}
    again = [event(2, 30, loss=-3.0)]
    assert series(*first, preparing, training, *again) == {"loss": [(10, 10.0), (20, 20.0), (30, -3.0)]}
    assert series(*first, *again) == {"loss": [(10, 10.0), (20, 20.0), (30, -3.0)]}, "without a word of where it began"


def test_metrics_of_one_step_come_from_all_of_its_events():
    found = series(
        event(1, 5, loss=1.0, text="x", flag=True), event(1, 5, "eval", **{"bbox/AP": 0.5}), event(1, 5, loss=2)
    )
    assert found == {"loss": [(5, 2)], "bbox/AP": [(5, 0.5)]}


def test_what_was_not_finite_is_a_gap():
    metrics = Metrics()
    bad = Event(seq=0, attempt=1, t=0.0, kind="metric", step=1, epoch=0, data={"loss": None}, nonfinite=("loss",))
    assert metrics.add([bad])
    assert list(metrics.series["loss"].steps) == [1] and math.isnan(metrics.series["loss"].values[0])


measured = st.tuples(st.integers(0, 3), st.integers(0, 12), st.integers(0, 99))


@given(st.lists(st.tuples(st.integers(0, 12), st.lists(measured, max_size=6)), min_size=1, max_size=4))
def test_series_are_those_of_a_run_that_forgets_what_it_went_back_on(attempts):
    """Against the plain law: at each start, forget all later steps; then the newest value of a step counts."""
    expected, events = {}, []
    for number, (start, points) in enumerate(attempts, start=1):
        expected = {(name, step): value for (name, step), value in expected.items() if step <= start}
        events.append(event(number, start, "phase", phase="train"))
        for name, step, value in points:
            expected[f"m{name}", step] = value
            events.append(event(number, step, **{f"m{name}": value}))
    found = {(name, step): value for name, points in series(*events).items() for step, value in points}
    assert found == expected
    metrics = Metrics()
    for each in events:
        metrics.add([each])
    assert all(list(each.steps) == sorted(set(each.steps)) for each in metrics.series.values())
    assert all(len(each.steps) == len(each.values) == len(each.times) for each in metrics.series.values())


def test_time_is_that_of_training_without_the_pauses_between_attempts():
    metrics = Metrics()
    metrics.add([
        event(1, 0, "phase", t=1000.0, phase="prepare"), event(1, 5, t=1010.0, loss=1.0),
        event(1, 9, t=1012.0, loss=1.0),
        event(2, 0, "phase", t=5000.0, phase="prepare"), event(2, 5, "phase", t=5001.0, phase="train"),
        event(2, 6, t=5003.0, loss=1.0),
    ])  # fmt: skip
    assert list(metrics.series["loss"].steps) == [5, 6]
    assert list(metrics.series["loss"].times) == [10.0, 15.0]  # 12 s of the first attempt, and 3 of the second


@given(st.integers(1, 50), st.lists(st.integers(1, 400), min_size=1, max_size=30))
def test_the_steps_of_an_epoch_are_found_once_one_is_over(steps, counts):
    metrics = Metrics()
    metrics.add(event(1, step, epoch=step // steps, loss=0.0) for step in sorted({*counts, steps - 1}) if step)
    assert metrics.steps_an_epoch is None or metrics.steps_an_epoch >= steps
    metrics.add([event(1, 400 // steps * steps + steps, epoch=400 // steps + 1, loss=0.0)])
    assert metrics.steps_an_epoch == pytest.approx(steps)


def test_what_was_kept_of_a_series_is_known_to_be_old_when_more_than_its_end_changed():
    series = Series()
    for step in (1, 2, 4):
        series.put(step, 0.0)
    series.cut(4)
    assert series.rewrites == 0
    series.put(3, 0.0)
    assert series.rewrites == 1
    series.put(3, 1.0)
    assert series.rewrites == 2
    series.cut(2)
    assert series.rewrites == 3 and list(series.steps) == [1, 2]


def test_what_evaluations_measure_is_told_apart():
    metrics = Metrics()
    metrics.add([event(1, 1, loss=1.0), event(1, 1, "eval", **{"bbox/AP": 0.5})])
    assert metrics.evaluated == {"bbox/AP"}


def test_names_without_end_do_not_fill_the_memory():
    metrics = Metrics()
    metrics.add([event(1, 1, **{f"m{number}": 1.0 for number in range(MOST_METRICS + 3)})])
    assert len(metrics.series) == MOST_METRICS and metrics.left_out == 3
