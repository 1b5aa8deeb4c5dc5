import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.launching.sparklines import POINTS, size_of_events, sparkline
from specdet.runs.events import EventWriter


def events(folder, values, *, name="loss", attempt=1, start=0):
    with EventWriter(folder / "events.jsonl", attempt=attempt) as writer:
        for step, value in enumerate(values, start=start):
            writer.write("metric", {name: value, "lr": 0.1}, step=step, epoch=0)


def test_a_short_course_is_given_as_it_is(tmp_path):
    events(tmp_path, [3.0, 2.0, float("nan"), 1.0])
    assert sparkline(tmp_path, "loss") == [3.0, 2.0, 1.0]
    assert sparkline(tmp_path, "bbox/AP") == []


def test_of_what_a_resumed_attempt_measured_again_the_newest_counts(tmp_path):
    events(tmp_path, [9.0, 8.0, 7.0])
    events(tmp_path, [5.0, 4.0], attempt=2, start=1)
    assert sparkline(tmp_path, "loss") == [9.0, 5.0, 4.0]


def test_a_long_file_is_sampled_from_its_beginning_to_its_end_and_hardly_read(tmp_path, monkeypatch):
    count = 60_000
    line = json.dumps({"v": 1, "seq": 0, "attempt": 1, "t": 1.0, "kind": "metric", "step": 0, "epoch": 0, "data": {}})
    with (tmp_path / "events.jsonl").open("w") as file:
        for step in range(count):
            data = json.dumps({"loss": count - step})
            file.write(line.replace('"step": 0', f'"step": {step}').replace("{}", data) + "\n")
    read = []
    real = os.pread
    monkeypatch.setattr(os, "pread", lambda *arguments: read.append(arguments[1]) or real(*arguments))
    values = sparkline(tmp_path, "loss")
    assert len(values) == POINTS
    assert values == sorted(values, reverse=True)
    assert values[0] == count and values[-1] < 5
    assert sum(read) < size_of_events(tmp_path) / 20


@settings(max_examples=20)
@given(st.lists(st.floats(0, 1), max_size=100), st.integers(2, 50))
def test_there_are_never_more_points_than_asked_for(tmp_path_factory, values, points):
    folder = tmp_path_factory.mktemp("run")
    events(folder, values)
    found = sparkline(folder, "loss", points=points)
    assert len(found) == min(len(values), points)
    assert {*found} <= {*values}
    if values:
        assert found[0] == values[0] and (len(values) == 1 or found[-1] == values[-1])


@pytest.mark.parametrize("make", [None, "folder", "pipe", "link"])
def test_what_is_no_file_of_events_has_no_course(tmp_path, make):
    path = tmp_path / "events.jsonl"
    if make == "folder":
        path.mkdir()
    elif make == "pipe":
        os.mkfifo(path)
    elif make == "link":
        path.symlink_to(tmp_path / "nowhere")
    assert sparkline(tmp_path, "loss") == []
