from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specdet.data.coco import read_coco
from specdet.data.findings import Findings
from specdet.data.record import Record, RecordTable
from specdet.data.spec import CocoSpec
from specdet.data.subset import used
from specdet.spec import SpecError


def ids(reader):
    return [reader.record(index).image_id for index in range(len(reader))]


def read(coco, *, training=False, **fields):
    return read_coco(coco.spec(**fields), training=training)


def test_the_first_images_are_those_that_a_training_uses(coco):
    assert ids(read(coco)) == [3, 13, 23]
    assert ids(read(coco, first=2)) == [3, 13]
    assert ids(read(coco, first=2, training=True)) == [3]  # 13 holds a crowd alone, 23 nothing
    assert ids(read(coco, first=3, training=True, filter_empty=False)) == [3, 13, 23]


def test_more_images_than_there_are_is_a_remark(coco):
    findings = Findings("here")
    assert len(read_coco(coco.spec(first=9), training=False, findings=findings)) == 3
    assert [(each.weight, each.items) for each in findings.found] == [("remark", ("3 of 9",))]


@given(count=st.integers(1, 300), fraction=st.floats(0.01, 1))
def test_a_fraction_is_spread_evenly(count, fraction):
    records = [empty_record(number) for number in range(count)]
    spec = CocoSpec(images="images", annotations="a.json", fraction=fraction)  # pyright: ignore[reportArgumentType]
    findings = Findings("here")
    kept = [each.image_id for each in used(records, spec=spec, classes=("cat",), training=False, findings=findings)]
    assert abs(len(kept) - fraction * count) < 1
    gaps = {later - one for one, later in pairwise(kept)}
    assert not gaps or max(gaps) - min(gaps) <= 1
    assert bool(kept) != findings.any_wrong


def test_percents_are_not_one_less():
    for percent in range(1, 101):
        spec = CocoSpec(images="i", annotations="a", fraction=percent / 100)  # pyright: ignore[reportArgumentType]
        records = [empty_record(number) for number in range(100)]
        assert len(used(records, spec=spec, classes=("cat",), training=False, findings=Findings("here"))) == percent


def empty_record(number):
    return Record(
        image_id=number, path=Path(f"{number}.jpg"), height=40, width=60, boxes=np.zeros((0, 4), np.float32),
        labels=np.zeros(0, np.int64), crowd=np.zeros(0, np.bool_), area=np.zeros(0, np.float32),
    )  # fmt: skip


def test_a_list_names_images_by_file_or_id(coco, tmp_path):
    listing = tmp_path / "list.txt"
    for text in ("2.png\n\n 3 \n", f"./2\n{coco.images / '0.png'}\n"):
        listing.write_text(text)
        assert ids(read(coco, image_list=listing)) == [3, 23]
    assert ids(read(coco, image_list=listing, first=1)) == [3]
    assert listing in coco.spec(image_list=listing).annotation_files


def test_lines_that_fit_no_image_are_told_with_their_number(coco, tmp_path):
    listing = tmp_path / "list.txt"
    listing.write_text("2.png\n7.png\n\n99\n")
    with pytest.raises(SpecError, match=r"name no image \(2\): .*list.txt:2: 7.png; .*list.txt:4: 99"):
        read(coco, image_list=listing)
    with pytest.raises(SpecError, match="the list of images does not exist") as caught:
        read(coco, image_list=tmp_path / "none.txt")
    assert [(problem.kind, problem.path) for problem in caught.value.problems] == [("environment", "image_list")]


def test_a_name_of_two_images_is_told(coco, tmp_path):
    coco.data["images"][0]["id"] = 1  # "1" is also the name of the second file
    coco.data["annotations"] = []
    coco.write()
    listing = tmp_path / "list.txt"
    listing.write_text("1\n")
    with pytest.raises(SpecError, match=r"name several images \(1\): .*list.txt:1: 1"):
        read(coco, image_list=listing)


def test_a_subset_is_as_small_as_it_looks(coco):
    table = read(coco, first=1).table
    assert isinstance(table, RecordTable)
    assert len(table.labels) == 2
