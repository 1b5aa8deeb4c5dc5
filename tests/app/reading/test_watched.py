import json
import math

import pytest

from app.reading.watched import View, Watched, best_place
from app.security.roots import Outside
from specdet.runs.events import EventWriter
from tests.runs.made import made


def measure(run, *events, attempt=1):
    with EventWriter(run / "events.jsonl", attempt=attempt) as writer:
        for step, kind, data in events:
            writer.write(kind, data, step=step, epoch=step // 10)


def read(watched):
    while watched.advance(seconds=5.0) < 1.0:
        continue


def shown(line):
    return list(zip(line.steps.tolist(), line.values.tolist(), strict=True))


def test_lines_are_those_of_the_metrics_that_there_are(tmp_path):
    run = made(tmp_path)
    measure(run, *((step, "metric", {"loss": 1.0 / step}) for step in range(1, 21)), (20, "eval", {"bbox/AP": 0.5}))
    watched = Watched(run)
    read(watched)
    loss, ap = watched.lines({"loss": "a", "none": "b", "bbox/AP": "c"}, view=View())
    assert (loss.name, loss.count, ap.name) == ("a", 20, "c")
    assert shown(loss)[-1] == (20, 0.05) and loss.best is None and ap.best.tolist() == [True]
    assert [watched.length(names) for names in (["loss", "bbox/AP"], ["bbox/AP"], ["none"])] == [20, 1, 0]
    assert watched.steps_an_epoch == 10 and set(watched.names) == {"loss", "bbox/AP"}


def test_a_closer_look_shows_all_points_of_its_span_and_the_rest_as_before(tmp_path):
    run = made(tmp_path)
    measure(run, *((step, "metric", {"loss": float(step % 7)}) for step in range(1, 2001)))
    watched = Watched(run)
    read(watched)
    (far,) = watched.lines({"loss": "loss"}, view=View())
    (near,) = watched.lines({"loss": "loss"}, view=View(span=(1000.0, 1050.0)))
    within = [step for step in near.steps.tolist() if 1000 <= step <= 1050]
    assert within == list(range(1000, 1051)) and len(far.steps) < 600
    outside = [step for step in near.steps.tolist() if not 990 <= step <= 1060]
    assert outside == [step for step in far.steps.tolist() if not 990 <= step <= 1060]


def test_averages_are_of_all_points_not_of_those_that_are_shown(tmp_path):
    run = made(tmp_path)
    values = [float(step * 7919 % 101) for step in range(1, 1001)]
    measure(run, *((step, "metric", {"loss": value}) for step, value in enumerate(values, start=1)))
    watched = Watched(run)
    read(watched)
    (line,) = watched.lines({"loss": "loss"}, view=View(smoothing=0.9))
    total = mass = 0.0
    for value in values:
        total, mass = 0.9 * total + 0.1 * value, 0.9 * mass + 0.1
    assert line.averages[-1] == pytest.approx(total / mass)


def test_a_reader_keeps_what_it_knows_and_goes_on(tmp_path):
    run = made(tmp_path)
    measure(run, (1, "metric", {"loss": 1.0}))
    watched = Watched(run)
    read(watched)
    measure(run, (2, "metric", {"loss": 2.0}))
    read(watched)
    assert watched.last_values(["loss"], count=9) == {"loss": [(1, 1.0), (2, 2.0)]}
    assert watched.evaluations() == {}


def test_a_small_file_that_is_not_taken_in_yet_is_not_called_read(tmp_path, monkeypatch):
    monkeypatch.setattr("specdet.runs.event_reader.BETWEEN_LOOKS", 1)
    run = made(tmp_path)
    measure(run, *((step, "metric", {"loss": 1.0}) for step in range(1, 6)))
    watched = Watched(run)
    assert watched.advance(seconds=0.0) < 1.0
    read(watched)
    assert len(watched.last_values(["loss"], count=9)["loss"]) == 5


def test_events_that_lie_elsewhere_are_not_read(tmp_path):
    run = made(tmp_path)
    (tmp_path / "elsewhere.jsonl").write_text(json.dumps({"x": 1}))
    (run / "events.jsonl").symlink_to(tmp_path / "elsewhere.jsonl")
    with pytest.raises(Outside, match="link to outside"):
        Watched(run).advance(seconds=1.0)


@pytest.mark.parametrize(
    ("values", "lower", "place"),
    [([1.0, 3.0, 3.0], False, 1), ([1.0, math.nan, 0.5], True, 2), ([math.nan], False, None), ([], True, None)],
)
def test_the_best_is_the_first_of_the_best_that_are_numbers(values, lower, place):
    from array import array

    assert best_place(array("d", values), lower=lower) == place
