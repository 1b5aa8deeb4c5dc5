import json
import os

import pytest

from specdet.runs.events import EventWriter, last_event


def read(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_an_event_is_one_line_with_its_place(tmp_path):
    path = tmp_path / "events.jsonl"
    with EventWriter(path) as writer:
        writer.write("metric", {"loss": 0.5, "text": "two\nlines"}, step=7, epoch=2)
        writer.write("phase", {"phase": "save"}, step=7, epoch=2)
    first, second = read(path)
    assert first.pop("t") <= second.pop("t")
    assert first == {"v": 1, "seq": 0, "attempt": 1, "kind": "metric", "step": 7, "epoch": 2,
                     "data": {"loss": 0.5, "text": "two\nlines"}}  # fmt: skip
    assert second["seq"] == 1


def test_each_event_is_one_write(tmp_path, monkeypatch):
    writes = []
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: (writes.append(data), write(fd, data))[1])
    with EventWriter(tmp_path / "events.jsonl") as writer:
        writer.write("log", {"a": 1}, step=0, epoch=0)
    (line,) = writes
    assert line.endswith(b"}\n") and line.count(b"\n") == 1


def test_numbers_that_are_not_finite_are_null_and_named(tmp_path):
    path = tmp_path / "events.jsonl"
    with EventWriter(path) as writer:
        writer.write("metric", {"a": float("nan"), "b": 1.0, "c": float("-inf")}, step=1, epoch=0)
    (event,) = read(path)
    assert event["data"] == {"a": None, "b": 1.0, "c": None} and event["nonfinite"] == ["a", "c"]


def test_a_second_writer_is_the_next_attempt_even_after_a_half_line(tmp_path):
    path = tmp_path / "events.jsonl"
    with EventWriter(path) as writer:
        writer.write("log", {}, step=1, epoch=0)
        writer.write("log", {}, step=2, epoch=0)
    with path.open("a") as file:
        file.write('{"v":1,"seq":2,"attempt":1,"kind":"lo')
    with EventWriter(path) as writer:
        writer.write("log", {}, step=2, epoch=0)
    lines = path.read_text().splitlines()
    assert len(lines) == 4 and json.loads(lines[-1])["seq"] == 2 and json.loads(lines[-1])["attempt"] == 2
    assert last_event(path)["attempt"] == 2


def test_a_disk_that_takes_half_a_line_is_an_error(tmp_path, monkeypatch):
    with EventWriter(tmp_path / "events.jsonl") as writer:
        monkeypatch.setattr(os, "write", lambda fd, data: 3)
        with pytest.raises(OSError, match="is the disk full"):
            writer.write("log", {}, step=0, epoch=0)
