import base64
import json

import pytest

from app.looking.message import KINDS, VERDICTS, scenes_message
from app.looking.scene import IOU_THRESHOLDS, Box, Scene, Verdict, media_type
from app.looking.totals import Totals
from tests.app.looking.made_predictions import picture

PICTURE, OTHER = picture(), picture(())
OBJECT = Box(x1=1, y1=2, x2=3.456, y2=4, label="dog", found=(0.123456, None))
FOUND = Box(x1=1, y1=2, x2=3, y2=4, label="", kind="detection", score=0.123456, verdicts=("right", "place"), iou=0.777)


def scene(*boxes, image=PICTURE, **fields) -> Scene:
    return Scene(image=image, width=9, height=9, boxes=boxes, **fields)


def test_a_scene_is_told_whole():
    told = scenes_message([scene(OBJECT, FOUND, title="a.jpg", note="n", key="7")], labels=["cat"])
    assert told["ious"] == list(IOU_THRESHOLDS) and told["labels"] == ["cat", "dog"]
    (only,) = told["scenes"]
    assert (only["key"], only["title"], only["note"], only["size"], only["image"]) == ("7", "a.jpg", "n", [9, 9], 0)
    assert only["boxes"] == [
        {"at": [1, 2, 3.46, 4], "label": 1, "kind": "o", "found": [0.12346, None]},
        {"at": [1, 2, 3, 4], "label": -1, "kind": "d", "score": 0.12346, "verdicts": "RP", "iou": 0.78},
    ]
    assert base64.b64decode(told["images"][0]["base64"]) == PICTURE
    json.dumps(told, allow_nan=False)


def test_an_image_is_sent_once_for_all_its_scenes():
    told = scenes_message([scene(key="a"), scene(key="b", image=OTHER), scene(key="c")])
    assert [each["image"] for each in told["scenes"]] == [0, 1, 0] and len(told["images"]) == 2


@pytest.mark.parametrize("content", [b"", b"<svg onload=alert(1)>", b"GIF89a", b"\x00\x00\x00\x1cftypavif", b"<html>"])
def test_only_jpeg_and_png_are_sent(content):
    told = scenes_message([scene(image=content)])
    assert told["images"] == [] and told["scenes"][0]["image"] == -1


def test_images_are_told_by_their_bytes():
    assert media_type(PICTURE) == "image/png" and media_type(b"\xff\xd8\xff\xe0") == "image/jpeg"


def test_letters_are_told_apart():
    assert len(set(VERDICTS.values())) == len(VERDICTS) == len(Verdict.__args__)
    assert len(set(KINDS.values())) == len(KINDS)


def test_a_scene_is_called_by_its_title_unless_it_has_a_key():
    assert scene(title="a").key == "a" and scene(title="a", key="b").key == "b"


def detection(label, score, *verdicts) -> Box:
    return Box(x1=0, y1=0, x2=1, y2=1, label=label, kind="detection", score=score, verdicts=verdicts * 10)


def test_totals_have_the_best_first_and_the_objects_of_each_class():
    thing = Box(x1=0, y1=0, x2=1, y2=1, label="cat", found=(None,) * 10)
    crowd = Box(x1=0, y1=0, x2=1, y2=1, label="cat", kind="crowd")
    images = [(thing, crowd, detection("cat", 0.3, "right")), (thing, detection("eel", 0.9, "background")), ()]
    totals = Totals.of(images)
    assert (totals.images, totals.scores, totals.objects) == (3, (0.9, 0.3), {"cat": 2})
    assert totals.verdicts == ("BR",) * 10
    labels = totals.all_labels(["cat", "dog"])
    assert labels == ["cat", "dog", "eel"]
    told = totals.message(labels)
    assert (told["labels"], told["objects"]) == ([2, 0], [2, 0, 0])
