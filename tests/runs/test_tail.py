import math
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specdet.runs.events import EventWriter
from specdet.runs.tail import Event, EventTail, LineTail, Metrics, MetricTail, parse_event


def append(path, text):
    with path.open("ab") as file:
        file.write(text)


def test_only_whole_lines_are_given_and_each_once(tmp_path):
    path = tmp_path / "out.log"
    with LineTail(path) as tail:
        assert list(tail.read()) == []
        append(path, b"one\ntw")
        assert list(tail.read()) == [b"one"]
        assert tail.rest == b"tw"
        append(path, b"o\n\nthree\n")
        assert list(tail.read()) == [b"two", b"", b"three"]
        assert list(tail.read()) == [] and tail.rest == b"" and tail.restarts == 0


@given(st.lists(st.binary(max_size=30), max_size=8))
def test_however_it_was_written_the_lines_are_those_of_the_file(tmp_path_factory, pieces):
    path = tmp_path_factory.mktemp("tail") / "out.log"
    with LineTail(path) as tail:
        found = []
        for piece in pieces:
            append(path, piece)
            found += tail.read()
        assert [*found, tail.rest] == b"".join(pieces).split(b"\n")


def test_a_log_put_aside_is_read_to_its_end_before_the_next(tmp_path):
    path = tmp_path / "out.log"
    append(path, b"a\n")
    with LineTail(path) as tail:
        assert list(tail.read()) == [b"a"]
        append(path, b"b\n")
        path.rename(tmp_path / "out.1.log")
        append(tmp_path / "out.1.log", b"c\n")
        assert list(tail.read()) == [b"b", b"c"], "the next one is not there yet"
        append(tmp_path / "out.1.log", b"d\n")
        append(path, b"e\n")
        assert list(tail.read()) == [b"d", b"e"]
        assert tail.restarts == 1


def test_a_file_cut_short_is_read_from_its_beginning(tmp_path):
    path = tmp_path / "out.log"
    append(path, b"one\ntwo\n")
    with LineTail(path) as tail:
        list(tail.read())
        os.truncate(path, 0)
        append(path, b"new\n")
        assert list(tail.read()) == [b"new"]
        assert tail.restarts == 1


@pytest.mark.parametrize("text", [b"", b"a", b"a\n", b"a\nb\nc\n", b"a\nb\nc", b"\n\n\n", b"x" * 3_000_000 + b"\ny\n"])
@pytest.mark.parametrize("last", [0, 1, 2, 5])
def test_the_last_lines_are_those_of_the_whole(tmp_path, text, last):
    path = tmp_path / "out.log"
    append(path, text)
    *lines, rest = text.split(b"\n")
    with LineTail(path, last=last) as tail:
        assert list(tail.read()) == lines[max(0, len(lines) - last) :]
        assert tail.rest == rest


def test_what_the_writer_wrote_is_read_back(tmp_path):
    path = tmp_path / "events.jsonl"
    with EventWriter(path, attempt=3) as writer:
        writer.write("metric", {"loss": float("nan"), "lr": 0.5}, step=7, epoch=2)
    append(path, b'{"torn\n')
    with EventTail(path) as tail:
        (event,) = tail.events()
    assert (event.attempt, event.step, event.epoch, event.kind) == (3, 7, 2, "metric")
    assert event.data == {"loss": None, "lr": 0.5} and event.nonfinite == ("loss",)


@pytest.mark.parametrize(
    "line",
    [b"", b"7", b"[]", b"{}", b'{"seq":1', b"\xff", b"[" * 100_000,
     b'{"seq":1,"attempt":1,"t":1,"kind":"metric","step":"5","epoch":0,"data":{}}',
     b'{"seq":1,"attempt":1,"t":1,"kind":"metric","step":true,"epoch":0,"data":{}}',
     b'{"seq":1,"attempt":1,"t":null,"kind":"metric","step":5,"epoch":0,"data":{}}',
     b'{"seq":1,"attempt":1,"t":1,"kind":"metric","step":5,"epoch":0,"data":[]}'],
)  # fmt: skip
def test_what_is_no_event_is_passed_over(line):
    assert parse_event(line) is None


def event(attempt, step, kind="metric", **data):
    return Event(seq=0, attempt=attempt, t=0.0, kind=kind, step=step, epoch=0, data=data)


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
    assert metrics.series["loss"].steps == [1] and math.isnan(metrics.series["loss"].values[0])


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
    assert all(each.steps == sorted(set(each.steps)) for each in metrics.series.values())


def test_a_replaced_file_begins_the_metrics_anew(tmp_path):
    tail = MetricTail(tmp_path)
    assert not tail.update()
    path = tmp_path / "events.jsonl"
    with EventWriter(path) as writer:
        writer.write("metric", {"old": 1.0}, step=1, epoch=0)
    assert tail.update() and tail.metrics.series["old"].steps == [1]
    assert not tail.update()
    other = tmp_path / "other.jsonl"
    with EventWriter(other) as writer:
        writer.write("metric", {"new": 1.0}, step=2, epoch=0)
    other.replace(path)
    assert tail.update()
    assert {name: each.steps for name, each in tail.metrics.series.items()} == {"new": [2]}
    tail.close()
