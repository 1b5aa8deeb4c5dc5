"""What a whole training stores of its predictions."""

import json
from pathlib import Path

import pytest
from small_training import LAST, Training, events, run_of, same_weights, train, write_spec

from specdet.evaluation.coco_box import CocoBox
from specdet.evaluation.spec import CocoBoxSpec
from specdet.runs.predictions import file_name, image_name, read_predictions, stored_steps
from specdet.structures import Detections

STEPS = FIRST_ITER, LAST_ITER = (6, 12)  # the ends of both epochs


@pytest.fixture(scope="module")
def straight(tmp_path_factory) -> Path:
    """A run that nothing happens to, with what COCO says of its boxes at its end."""
    folder = tmp_path_factory.mktemp("straight")
    done = train(
        folder, *write_spec(folder), "eval.bbox={type='CocoBox', class_agnostic=true}", "hooks.predictions.min_score=0"
    )
    assert done.returncode == 0, done.stderr
    return run_of(folder)


def lines(run: Path, iter: int) -> list[dict]:
    return [json.loads(line) for line in (run / file_name(iter)).read_text().splitlines()]


def test_each_evaluation_is_stored_with_its_images(straight):
    assert stored_steps(straight).iters == STEPS
    stored = read_predictions(straight / file_name(LAST_ITER))
    assert (stored.classes, stored.gives_classes, stored.total) == (("ellipse", "rectangle", "triangle"), False, 5)
    assert len(stored.images) == 5 and not stored.skipped
    assert all((straight / image_name(image.id)).is_file() for image in stored.images)
    told = [event["data"]["path"] for event in events(straight, "media")]
    assert told == ["predictions/images", *(file_name(iter) for iter in STEPS)]


def test_what_is_stored_measures_as_what_was_evaluated(straight):
    """The stored boxes, rounded as they are, have the AP that the run wrote down."""
    import torch

    stored = read_predictions(straight / file_name(LAST_ITER))
    annotations, found = [], {}
    for image in stored.images:
        for each in image.objects:
            x1, y1, x2, y2 = each.box
            area, box = (x2 - x1) * (y2 - y1), [x1, y1, x2 - x1, y2 - y1]
            annotations.append(
                {"id": len(annotations) + 1, "image_id": image.id, "category_id": each.label, "bbox": box, "area": area,
                 "iscrowd": int(each.crowd)}
            )  # fmt: skip
        rows = image.detections
        found[image.id] = Detections(
            boxes=torch.tensor([each.box for each in rows]),
            scores=torch.tensor([each.score for each in rows]),
            labels=torch.tensor([each.label for each in rows]),
        )
    table = {
        "images": [{"id": image.id, "width": image.width, "height": image.height} for image in stored.images],
        "annotations": annotations,
        "categories": [{"id": label, "name": name} for label, name in enumerate(stored.classes)],
    }
    measured = CocoBox(CocoBoxSpec(class_agnostic=True), ground_truth=table).evaluate(found)
    (last,) = [event["data"] for event in events(straight, "eval") if event["step"] == LAST_ITER]
    assert measured["AP50"] == pytest.approx(last["bbox/AP50"], abs=1e-3)
    assert measured["AR@100"] == pytest.approx(last["bbox/AR@100"], abs=1e-3)


def test_it_changes_no_weight(straight, tmp_path):
    done = train(tmp_path, *write_spec(tmp_path), "~hooks.predictions")
    assert done.returncode == 0, done.stderr
    run = run_of(tmp_path)
    assert not (run / "predictions").exists()
    assert same_weights([straight, run], LAST)


def test_two_processes_store_the_same_images_once(straight, tmp_path):
    options = ["data.images_per_device=2", "hooks.predictions.min_score=0"]
    done = train(tmp_path, *write_spec(tmp_path), *options, processes=2)
    assert done.returncode == 0, done.stderr
    run = run_of(tmp_path)
    assert stored_steps(run).iters == STEPS
    for iter in STEPS:
        one, two = (lines(each, iter) for each in (straight, run))
        told = ("id", "file", "width", "height", "objects")
        assert [[line[key] for key in told] for line in one[1:]] == [[line[key] for key in told] for line in two[1:]]
        assert all(len(line["detections"]) == 100 for line in two[1:])
    assert len(events(run, "media")) == 3


def test_an_evaluation_that_was_stopped_is_made_up_for(straight, tmp_path):
    arguments = [*write_spec(tmp_path), "hooks.predictions.min_score=0"]
    training = Training(tmp_path, *arguments, slow="eval 1.2")
    training.reaches("eval", FIRST_ITER)
    assert training.answer("stop") == "done"
    assert training.ends() == 76
    run = training.run
    assert stored_steps(run).iters == ()
    done = train(tmp_path, *arguments, f"train.resume_from={run}")
    assert done.returncode == 0, done.stderr
    assert stored_steps(run).iters == STEPS
    assert [lines(run, iter) for iter in STEPS] == [lines(straight, iter) for iter in STEPS]
