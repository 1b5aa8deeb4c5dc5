import numpy as np

from app.browsing.columns import Columns
from app.browsing.looks import in_both, oddities
from app.browsing.opened import open_set
from app.browsing.sets import NamedSet


def columns(coco, roots, **fields) -> Columns:
    coco.write()
    found = open_set(NamedSet(name="val", spec=coco.spec(**fields), training=False), root=None, folders=roots.folders)
    assert found.columns is not None
    return found.columns


def told(columns: Columns) -> dict[str, tuple[int, tuple[str, ...]]]:
    return {each.what: (each.count, each.items) for each in oddities(columns)}


def test_boxes_that_are_drawn_twice_are_named(coco, roots):
    first = coco.data["annotations"][0]
    coco.data["annotations"] += [{**first, "id": 50}, {**first, "id": 51, "category_id": 2}, {**first, "id": 52}]
    found = told(columns(coco, roots))
    assert found["boxes of one class drawn twice at the same place"] == (2, ("cat of 0.png: 10, 5, 30, 35",) * 2)


def test_thin_boxes_empty_images_and_unused_classes_are_named(coco, roots):
    coco.data["annotations"][0]["bbox"] = [10, 5, 1.5, 30]
    coco.data["categories"].append({"id": 70, "name": "unicorn"})
    found = told(columns(coco, roots))
    assert found["boxes less than 2 px wide or high"] == (1, ("cat of 0.png: 10, 5, 11.5, 35",))
    assert found["images without a box"] == (1, ("2.png",))
    assert found["classes without a box"] == (1, ("unicorn",))


def test_nothing_is_odd_about_a_good_set(coco, roots):
    coco.data["images"].pop()
    assert told(columns(coco, roots)) == {}


def test_a_file_in_both_sets_is_told(coco, roots):
    val = columns(coco, roots)
    (both,) = in_both(val, val)
    assert (both.count, both.items) == (3, ("0.png", "1.png", "2.png"))
    coco.data["images"] = [{**coco.data["images"][1], "file_name": "./1.png"}]
    assert isinstance(val.names, np.ndarray)
    other = columns(coco, roots)
    assert [each.count for each in in_both(val, other)] == [1]  # the same file by another name
