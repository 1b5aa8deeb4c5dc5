import json

import pytest

from specdet.data.shapes import Shapes
from specdet.data.spec import ShapesSpec
from specdet.data.statistics import statistics
from specdet.evaluation.spec import COCO_AREAS


def test_a_set_by_hand(coco):
    """The boxes are 20 x 30 of a cat and 9.5 x 10 of a dog in one image, a crowd of dogs, and an empty image."""
    found = statistics(coco.spec().build(training=False), areas=COCO_AREAS)
    assert (found.images, found.empty_images, found.boxes, found.crowds) == (3, 2, 2, 1)
    assert found.classes == {"dog": {"boxes": 1, "images": 1}, "cat": {"boxes": 1, "images": 1}}
    assert found.areas == {"small": 2, "medium": 0, "large": 0}
    assert (found.image_width["median"], found.image_height["max"]) == (60, 40)
    assert (found.box_width["min"], found.box_width["max"], found.box_width["mean"]) == (9.5, 20, 14.75)
    assert found.aspect_ratio["min"] == pytest.approx(20 / 30, abs=1e-4)
    assert found.box_side["max"] == pytest.approx(600**0.5, abs=1e-4)
    assert (found.boxes_per_image["max"], found.boxes_per_image["mean"]) == (2, round(2 / 3, 4))
    assert json.loads(json.dumps(found.as_json())) == found.as_json()


def test_sizes_are_told_by_the_area_that_evaluation_counts(coco):
    coco.data["annotations"][0]["area"] = 32**2  # more than its box: from here on an object is medium
    coco.write()
    assert statistics(coco.spec().build(training=False), areas=COCO_AREAS).areas["medium"] == 1


def test_drawn_images_and_no_boxes(coco):
    found = statistics(Shapes(ShapesSpec(count=20)), areas=COCO_AREAS)
    assert found.images == 20
    assert sum(each["boxes"] for each in found.classes.values()) == found.boxes == sum(found.areas.values())
    coco.data["annotations"] = []
    coco.write()
    nothing = statistics(coco.spec().build(training=False), areas=COCO_AREAS)
    assert (nothing.boxes, nothing.empty_images, nothing.box_side) == (0, 3, {})
