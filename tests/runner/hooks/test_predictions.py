import io
import json
import logging
import shutil
from pathlib import Path

import attrs
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from toy_training import toy_loader, toy_runner

from specdet.runner.evaluated import EvaluatedImages
from specdet.runner.hooks.predictions import as_jpeg, evenly_spaced
from specdet.runs.predictions import (
    StoredDetection,
    StoredObject,
    file_name,
    image_name,
    read_predictions,
    stored_steps,
)
from specdet.structures import Detections


@attrs.frozen(kw_only=True)
class Record:
    image_id: int
    path: Path | None = None
    height: int = 60
    width: int = 80
    boxes: np.ndarray = attrs.field(factory=lambda: np.array([[1, 2, 30.126, 40], [0, 0, 5, 5]], dtype=np.float32))
    labels: np.ndarray = attrs.field(factory=lambda: np.array([1, 0]))
    crowd: np.ndarray = attrs.field(factory=lambda: np.array([False, True]))


class Reader:
    """Ten images, each of one colour, with ids that are no positions."""

    classes = ("cat", "dog")

    def __init__(self, *, unreadable=()):
        self.unreadable, self.read = unreadable, []

    def __len__(self):
        return 10

    def record(self, index):
        return Record(image_id=100 + index, path=Path(f"/data/{index}.png") if index else None)

    def image(self, index):
        self.read.append(index)
        if index in self.unreadable:
            raise ValueError(f"{index}.png: the image file does not exist")
        return torch.full((3, 60, 80), 20 * index, dtype=torch.uint8)


def found(iter):
    """For each image three detections: worst first, one below any threshold, one that is no number."""
    rows = Detections(
        boxes=torch.tensor([[0, 0, 10.0, 10], [1, 1, 20, 20], [2, 2, 5, 5], [3, 3, 6, 6]]),
        scores=torch.tensor([0.3, 0.9, 0.01, float("nan")]),
        labels=torch.tensor([0, 1, 0, 0]),
    )
    return {100 + index: rows for index in range(10)}


def run(work_dir, *, reader=None, every=3, max_iters=6, hooks=(), resume=False, **spec):
    runner = toy_runner(work_dir)
    runner.register_training_hooks(optimizer={}, checkpoint={"every": {"iters": 4}})
    runner.register_hook({"type": "Evaluation", "every": {"iters": every}}, name="evaluate")
    runner.register_hook({"type": "Predictions", **spec}, name="predictions")
    runner.register_hook({"type": "Events"}, name="events")
    for hook in hooks:
        runner.register_hook(hook)

    def evaluate():
        runner.on_detections(found(runner.iter))
        return {"bbox/AP": 0.5}

    runner.evaluate, runner.evaluated = evaluate, EvaluatedImages(reader=reader or Reader())
    if resume:
        runner.resume(work_dir)
    runner.run([toy_loader(size=12, batch=4)], [("train", 1)], max_iters=max_iters)
    return runner


def told(work_dir, kind):
    events = (json.loads(line) for line in (work_dir / "events.jsonl").read_text().splitlines())
    return [event["data"] for event in events if event["kind"] == kind]


def test_each_evaluation_stores_what_was_found_and_what_is_there(tmp_path):
    run(tmp_path, images=4)
    assert stored_steps(tmp_path).iters == (3, 6)
    stored = read_predictions(tmp_path / file_name(3))
    assert (stored.iter, stored.epoch, stored.classes, stored.total, stored.skipped) == (3, 0, ("cat", "dog"), 10, ())
    assert [image.id for image in stored.images] == [100, 102, 105, 107]
    first, second = stored.images[:2]
    assert (first.file, second.file, first.width, first.height) == ("100", "2.png", 80, 60)
    assert first.objects == (
        StoredObject(box=(1, 2, 30.13, 40), label=1),
        StoredObject(box=(0, 0, 5, 5), label=0, crowd=True),
    )
    assert first.detections == (  # the best first; nothing below min_score, and nothing that is no number
        StoredDetection(box=(1, 1, 20, 20), score=0.9, label=1),
        StoredDetection(box=(0, 0, 10, 10), score=0.3, label=0),
    )


def test_events_name_each_file_with_its_size(tmp_path):
    run(tmp_path, images=4)
    sizes = [(tmp_path / image_name(each)).stat().st_size for each in (100, 102, 105, 107)]
    steps = [{"path": file_name(iter), "size": (tmp_path / file_name(iter)).stat().st_size} for iter in (3, 6)]
    assert told(tmp_path, "media") == [{"path": "predictions/images", "size": sum(sizes), "files": 4}, *steps]


def test_images_are_stored_once_and_look_as_they_do(tmp_path):
    reader = Reader()
    run(tmp_path, images=4, reader=reader)
    assert reader.read == [0, 2, 5, 7]
    with Image.open(tmp_path / image_name(105)) as image:
        assert (image.format, image.size) == ("JPEG", (80, 60))
        assert np.abs(np.asarray(image).astype(int) - 100).max() <= 2


def test_an_image_is_made_smaller_where_it_is_larger_than_said():
    pixels = torch.zeros(3, 300, 900, dtype=torch.uint8)
    with Image.open(io.BytesIO(as_jpeg(pixels, longest_side=450))) as image:
        assert image.size == (450, 150)
    with Image.open(io.BytesIO(as_jpeg(pixels, longest_side=2000))) as image:
        assert image.size == (900, 300)


def test_the_best_so_many_are_kept_and_the_newest_so_many_steps(tmp_path):
    run(tmp_path, every=1, detections=1, keep=2)
    assert stored_steps(tmp_path).iters == (5, 6)
    images = read_predictions(tmp_path / file_name(6)).images
    assert len(images) == 10 and all([each.score for each in image.detections] == [0.9] for image in images)


@given(count=st.integers(1, 200), among=st.integers(0, 1000))
def test_places_are_evenly_spaced(count, among):
    places = evenly_spaced(count, among=among)
    assert len(places) == len(set(places)) == min(count, among)
    assert all(0 <= place < among for place in places)
    gaps = (
        {after - before for before, after in zip(places, [*places[1:], among], strict=bool(places))} if places else {0}
    )
    assert max(gaps) - min(gaps) <= 1


def test_an_image_that_is_gone_costs_its_picture_alone(tmp_path, caplog):
    run(tmp_path, images=4, reader=Reader(unreadable=[2]))
    assert len(read_predictions(tmp_path / file_name(6)).images) == 4
    assert not (tmp_path / image_name(102)).exists() and (tmp_path / image_name(100)).exists()


@pytest.fixture
def warnings_of_the_log():
    lines = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: lines.append(record.getMessage())
    logging.getLogger("specdet").addHandler(handler)
    yield lines
    logging.getLogger("specdet").removeHandler(handler)


def test_a_folder_that_cannot_be_written_to_costs_the_predictions_alone(tmp_path, warnings_of_the_log):
    (tmp_path / "predictions").write_text("in the way")
    runner = run(tmp_path)
    assert runner.iter == 6 and runner.metrics["bbox/AP"] == 0.5
    alerts = told(tmp_path, "alert")
    assert len(alerts) == 2 and "predictions at iter 3 could not be stored" in alerts[0]["message"]
    assert alerts[0]["message"] in warnings_of_the_log


def test_a_full_disk_leaves_no_half_file_and_the_training_goes_on(tmp_path, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("specdet.runs.predictions.write_text", full)
    assert run(tmp_path).iter == 6
    assert stored_steps(tmp_path).iters == () and not list((tmp_path / "predictions").glob("*.tmp"))
    assert "No space left" in told(tmp_path, "alert")[0]["message"]


def test_a_resumed_run_forgets_what_came_after_its_checkpoint(tmp_path):
    run(tmp_path, every=1, max_iters=7)
    shutil.rmtree(tmp_path / "checkpoints" / "iter_00000007")
    before = (tmp_path / file_name(4)).read_bytes()
    run(tmp_path, every=5, max_iters=6, resume=True)
    assert stored_steps(tmp_path).iters == (1, 2, 3, 4, 5, 6)
    assert (tmp_path / file_name(4)).read_bytes() == before
    run(tmp_path / "straight", every=5, max_iters=6)
    assert (tmp_path / file_name(5)).read_bytes() == (tmp_path / "straight" / file_name(5)).read_bytes()


def test_a_runner_whose_owner_tells_no_images_stores_nothing(tmp_path):
    runner = toy_runner(tmp_path)
    runner.register_training_hooks(optimizer={})
    runner.register_hook({"type": "Evaluation", "every": {"iters": 1}}, name="evaluate")
    runner.register_hook({"type": "Predictions"}, name="predictions")
    runner.evaluate = lambda: (runner.on_detections(found(0)), {"bbox/AP": 0.5})[1]
    runner.run([toy_loader(size=12, batch=4)], [("train", 1)], max_iters=2)
    assert not (tmp_path / "predictions").exists()


def test_a_runner_without_a_folder_is_told_so():
    runner = toy_runner()
    runner.register_hook({"type": "Predictions"})
    with pytest.raises(ValueError, match="give the Runner a work_dir"):
        runner.call_hook("before_run")
