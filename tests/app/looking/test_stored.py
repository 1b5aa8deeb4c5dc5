import os

import attrs
import pytest

from app.looking.side_by_side import Look, labels_of, most_different, row, shared_images
from app.looking.stored import compared_step, lacking_pictures, mark_of, scene_of, steps_of
from app.security.roots import Outside
from specdet.runs.predictions import file_name, image_name, write_predictions
from tests.app.looking.made_predictions import FOUND, image, predictions, run_with


@pytest.fixture
def run(tmp_path):
    return run_with(tmp_path, {10: [image(1), image(2)], 20: [image(1)]})


def test_a_step_is_read_and_compared(run):
    assert steps_of(run).iters == (10, 20)
    step = compared_step(run, 10)
    said = step.said
    assert (said.iter, said.epoch, said.classes, said.total, said.skipped) == (10, 1, ("cat", "dog"), 50, ())
    boxes = step.images[0].boxes
    assert [box.kind for box in boxes] == ["object", "object", "detection", "detection", "detection"]
    assert [box.found[0] for box in boxes[:2]] == [0.9, 0.3]
    assert [box.verdicts[0] for box in boxes[2:]] == ["right", "background", "right"]
    assert step.totals.images == 2 and step.totals.objects == {"cat": 2, "dog": 2}


def test_a_scene_has_the_picture_that_was_stored(run):
    step = compared_step(run, 10)
    scene = scene_of(run, step.images[1])
    assert (scene.key, scene.title, scene.width, scene.height) == ("2", "2.jpg", 120, 90)
    assert scene.image == (run / image_name(2)).read_bytes()
    assert lacking_pictures(run) == ""


def test_an_image_that_has_no_file_is_called_by_its_number(tmp_path):
    run = run_with(tmp_path, {10: [image(17, file="17")]})
    assert compared_step(run, 10).images[0].title == "image 17"


def test_a_mark_changes_when_a_step_is_written_anew(run):
    before = mark_of(run, 10)
    assert mark_of(run, 10) == before
    write_predictions(run, predictions(10, [image(1), image(2)]))
    assert mark_of(run, 10) != before


def test_no_link_leads_out_of_the_run(run, tmp_path):
    outside = tmp_path / "outside"
    outside.write_bytes((run / file_name(10)).read_bytes())
    (run / file_name(10)).unlink()
    os.symlink(outside, run / file_name(10))
    with pytest.raises(Outside):
        compared_step(run, 10)
    (run / image_name(1)).unlink()
    os.symlink(outside, run / image_name(1))
    assert scene_of(run, compared_step(run, 20).images[0]).image == b""


# -- several runs


@pytest.fixture
def looks(tmp_path):
    """The second run misses everything on image 2; image 4 is another one there, and image 3 is in one run alone."""
    one = run_with(tmp_path, {10: [image(n) for n in (1, 2, 3, 4)]}, run_id="20260101-120000-rpn-0001")
    other = [image(4, file="other.jpg"), image(2, detections=()), image(1)]
    two = run_with(tmp_path, {20: other}, run_id="20260101-120000-rpn-0002")
    return [
        Look(run=one, name="one", step=compared_step(one, 10)),
        Look(run=two, name="two", step=compared_step(two, 20)),
    ]


def test_images_that_all_runs_have_stand_side_by_side(looks):
    assert shared_images(looks) == [1, 2]
    scenes = row(looks, 2)
    assert [scene.title for scene in scenes] == ["one", "two"]
    assert [scene.note for scene in scenes] == ["2.jpg · step 10", "2.jpg · step 20"]
    assert [len(scene.boxes) for scene in scenes] == [2 + len(FOUND), 2]
    keys = [scene.key for each in (1, 2) for scene in row(looks, each)]
    assert len(set(keys)) == 4
    assert labels_of(looks) == ["cat", "dog"]


def test_images_on_which_runs_differ_come_first(looks):
    assert most_different(looks, score=0.5, iou=0.5) == [1, 2]  # errors: 2 and 2; 2 and 2
    assert most_different(looks, score=0.2, iou=0.5) == [2, 1]  # errors: 1 and 2 on image 2


def test_one_run_alone_has_all_its_images(looks):
    assert shared_images(looks[:1]) == [1, 2, 3, 4]
    resized = attrs.evolve(looks[1], step=attrs.evolve(looks[1].step, images=()))
    assert shared_images([looks[0], resized]) == []
