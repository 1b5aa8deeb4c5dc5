import numpy as np
import pytest

from app.browsing import statistics
from app.browsing.choice import AREAS
from app.browsing.columns import Columns
from app.browsing.opened import open_set
from app.browsing.sets import NamedSet
from specdet.data.spec import ShapesSpec, VocSpec


@pytest.fixture
def shapes(roots) -> Columns:
    named = NamedSet(name="train", spec=ShapesSpec(count=60, seed=3), training=True)
    found = open_set(named, root=None, folders=roots.folders)
    assert found.columns is not None
    return found.columns


def test_classes_are_counted_as_one_by_one(shapes):
    bars = {bar.what: bar for bar in statistics.classes({"train": shapes})}
    boxes = dict.fromkeys(shapes.classes, 0)
    images = dict.fromkeys(shapes.classes, 0)
    for place in range(len(shapes)):
        labels = shapes.labels[shapes.ends[place] : shapes.ends[place + 1]].tolist()
        for label in labels:
            boxes[shapes.classes[label]] += 1
        for label in set(labels):
            images[shapes.classes[label]] += 1
    assert {name: bar.count for name, bar in bars.items()} == boxes
    assert {name: bar.more for name, bar in bars.items()} == images
    ordered = sorted(bars.values(), key=lambda bar: bar.order)
    assert [bar.count for bar in ordered] == sorted(boxes.values(), reverse=True)


@pytest.mark.parametrize(
    "count", [statistics.classes, statistics.extents, statistics.sides, statistics.ratios, statistics.boxes_per_image]
)
def test_the_shares_of_each_set_are_the_whole(shapes, count):
    bars = count({"train": shapes, "val": shapes})
    for name in ("train", "val"):
        own = [bar for bar in bars if bar.set == name]
        assert sum(bar.share for bar in own) == pytest.approx(100.0)
        whole = len(shapes) if count is statistics.boxes_per_image else len(shapes.labels)
        assert sum(bar.count for bar in own) == whole


def test_box_sides_fall_into_the_bin_that_is_named(shapes):
    side = np.sqrt((shapes.boxes[:, 2:] - shapes.boxes[:, :2]).prod(axis=1))
    for bar in statistics.sides({"train": shapes}):
        low, high = statistics.SIDES[bar.order], statistics.SIDES[bar.order + 1]
        assert bar.what == f"{low:.3g} to {high:.3g} px"
        assert bar.count == ((side >= low) & (side < high)).sum()


def test_known_numbers_of_blood_cells(bccd):
    sets = {}
    for split in ("train", "val"):
        named = NamedSet(name=split, spec=VocSpec(folder=bccd, split=split), training=split == "train")
        sets[split] = open_set(named, root=None, folders=[bccd]).columns
    train, val = statistics.summary(sets)
    elements = {
        split: sum(
            (bccd / f"Annotations/{name}.xml").read_text().count("<object>")
            for name in (bccd / f"ImageSets/Main/{split}.txt").read_text().split()
        )
        for split in sets
    }
    assert (train["Images"], val["Images"]) == (205, 87)
    assert (train["Boxes"], val["Boxes"]) == (elements["train"] - 1, elements["val"] - 1)  # one click in each
    assert train["Median image, px"] == "640 x 480"
    assert statistics.image_sizes(sets)[0] == {"set": "train", "width": 640, "height": 480, "count": 205}


def test_tables_have_a_row_a_thing_and_columns_for_each_set(shapes):
    rows = statistics.table(statistics.extents({"train": shapes, "val": shapes}), what="area")
    assert [row["area"] for row in rows] == list(AREAS)
    assert all(row["train"] == row["val"] and row["train, %"] == row["val, %"] for row in rows)


def test_a_set_without_boxes_has_no_bars(shapes):
    empty = Columns(
        classes=("cat",), total=1, folder=None, ids=np.array([0]), names=np.array([b""]), sizes=np.array([[4, 4]]),
        ends=np.array([0, 0]), boxes=np.empty((0, 4), np.float32), labels=np.empty(0, np.int64),
        crowd=np.empty(0, np.bool_), area=np.empty(0, np.float32),
    )  # fmt: skip
    assert statistics.sides({"train": empty}) == []
    assert statistics.ratios({"train": empty}) == []
    assert [bar.count for bar in statistics.boxes_per_image({"train": empty})] == [1]
    assert statistics.summary({"train": empty})[0]["Median box side, px"] is None
