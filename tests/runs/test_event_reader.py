import os

from specdet.runs import event_reader
from specdet.runs.event_reader import EventReader
from specdet.runs.events import EventWriter


def write(path, *events):
    with EventWriter(path, attempt=1) as writer:
        for kind, step, data in events:
            writer.write(kind, data, step=step, epoch=0)


def steps(reader):
    return {name: list(each.steps) for name, each in reader.metrics.series.items()}


def test_a_replaced_file_begins_the_metrics_anew(tmp_path):
    reader = EventReader(tmp_path)
    assert not reader.update()
    path = tmp_path / "events.jsonl"
    write(path, ("metric", 1, {"old": 1.0}))
    assert reader.update() and steps(reader) == {"old": [1]}
    assert not reader.update()
    other = tmp_path / "other.jsonl"
    write(other, ("metric", 2, {"new": 1.0}))
    other.replace(path)
    assert reader.update() and steps(reader) == {"new": [2]}
    os.truncate(path, 0)
    assert reader.update() and steps(reader) == {}
    reader.close()


def test_what_was_left_for_the_next_time_is_read_then_and_once(tmp_path, monkeypatch):
    monkeypatch.setattr(event_reader, "BETWEEN_LOOKS", 10)
    path = tmp_path / "events.jsonl"
    write(path, *(("metric", step, {"loss": 1.0}) for step in range(1, 36)))
    reader = EventReader(tmp_path)
    reader.update(seconds=0.0)
    assert reader.is_behind and steps(reader) == {"loss": list(range(1, 11))}
    write(path, ("metric", 36, {"loss": 1.0}))
    rounds = 1
    while reader.is_behind:
        reader.update(seconds=0.0)
        rounds += 1
    assert rounds == 4 and steps(reader) == {"loss": list(range(1, 37))}
    assert reader.done == (path.stat().st_size,) * 2


def test_a_reader_that_was_closed_reads_all_anew(tmp_path):
    path = tmp_path / "events.jsonl"
    write(path, ("metric", 1, {"loss": 1.0}), ("log", 1, {"message": "ended"}))
    reader = EventReader(tmp_path)
    reader.update()
    reader.close()
    reader.update()
    assert steps(reader) == {"loss": [1]}
    assert [each.what for each in reader.happenings.found] == ["attempt 1 begins", "ended"]
