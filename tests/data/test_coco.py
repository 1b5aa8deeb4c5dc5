import copy
import functools
import json
import logging

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pycocotools.coco import COCO

from specdet.data.coco import read_coco
from specdet.data.dataset import DetectionDataset
from specdet.data.findings import Findings
from specdet.spec import SpecError
from tests.data.conftest import CocoFolder


def test_records_hold_what_the_file_says(coco):
    reader = read_coco(coco.spec(), training=False)
    assert reader.classes == ("dog", "cat")  # in the order of the category ids
    assert reader.sizes.tolist() == [[40, 60]] * 3
    first = reader.record(0)
    assert (first.image_id, first.height, first.width) == (3, 40, 60)
    assert first.boxes.tolist() == [[10, 5, 30, 35], [50.5, 30, 60, 40]]
    assert first.labels.tolist() == [1, 0]
    assert first.area.tolist() == [500, 90]
    assert reader.record(1).crowd.tolist() == [True]
    assert reader.record(2).boxes.shape == (0, 4)
    assert (reader.image(1).numpy() == coco.pixels[1].transpose(2, 0, 1)).all()


def test_ground_truth_is_the_file_as_pycocotools_reads_it(coco, tmp_path):
    dataset = DetectionDataset(read_coco(coco.spec(), training=False))
    written = tmp_path / "ground_truth.json"
    written.write_text(json.dumps(dataset.ground_truth()))
    ours, theirs = COCO(written), COCO(coco.file)
    assert ours.getImgIds() == theirs.getImgIds()
    names = {category: theirs.cats[category]["name"] for category in theirs.getCatIds()}
    for image_id in theirs.getImgIds():
        found = ours.loadAnns(ours.getAnnIds(image_id))
        expected = theirs.loadAnns(theirs.getAnnIds(image_id))
        for one, other in zip(found, expected, strict=True):
            assert dataset.classes[one["category_id"]] == names[other["category_id"]]
            for key in ("bbox", "area", "iscrowd", "image_id"):
                assert one[key] == other[key]


def test_training_leaves_out_empty_and_small_images(coco):
    assert [read_coco(coco.spec(), training=True).record(0).image_id] == [3]
    assert len(read_coco(coco.spec(), training=True)) == 1  # crowd alone is nothing to learn
    assert len(read_coco(coco.spec(filter_empty=False), training=True)) == 3
    with pytest.raises(SpecError, match="no image to train on: 3 images, none of at least 41 px"):
        read_coco(coco.spec(min_size=41), training=True)


def test_classes_choose_and_order_the_labels(coco):
    reader = read_coco(coco.spec(classes=("cat",)), training=False)
    assert reader.classes == ("cat",)
    assert [reader.record(index).labels.tolist() for index in range(3)] == [[0], [], []]
    with pytest.raises(SpecError) as caught:
        read_coco(coco.spec(classes=("cat", "dgo", "horse")), training=False)
    (problem,) = caught.value.problems
    assert problem.path == "classes"
    assert "(it has dog, cat) (2): 'dgo' (did you mean 'dog'?); 'horse'" in problem.message


DEEP: list = functools.reduce(lambda inner, _: [inner], range(900), [])  # read as JSON, but Python cannot print it


def annotation(**changes):
    return {"id": 99, "image_id": 3, "category_id": 9, "bbox": [1, 1, 5, 5], "area": 25, "iscrowd": 0, **changes}


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (annotation(bbox=[10, 10, -5, 5]), "annotation 99 of 0.png: 10, 10, 5, 15 in 60 x 40"),
        (annotation(bbox=[float("nan"), 1, 5, 5]), "not finite, or above 1e9 (1): annotation 99 of 0.png"),
        (annotation(bbox=[55, 35, 60, 40]), "mostly outside their image"),
        (annotation(bbox=[1, 2, 3]), "bbox is not four numbers (1): annotation 99: [1, 2, 3]"),
        (annotation(bbox=[1, 2, 3, None]), "bbox is not four numbers"),
        (
            annotation(bbox="1 2 3 4"),
            "items without image_id (int), category_id (int), bbox (list) (1): annotations[3]",
        ),
        (annotation(category_id=4), "category that the file does not list (1): annotation 99: category_id 4"),
        (annotation(image_id=4), "image that the file does not list (1): annotation 99: image_id 4"),
        (annotation(id=5), "annotations with the same id (1): 5"),
        ("text", "annotations[3]"),
        (annotation(bbox=[DEEP]), "bbox is not four numbers (1): annotation 99: [[[["),
        (annotation(id=DEEP, image_id=4), "image that the file does not list (1): annotation [[[["),
    ],
)
def test_a_bad_annotation_is_named(coco, messages, bad, said):
    coco.data["annotations"].append(bad)
    coco.write()
    with pytest.raises(SpecError) as caught:
        read_coco(coco.spec(), training=True)
    assert said in messages(caught.value)
    assert [problem.path for problem in caught.value.problems] == ["annotations"]


def test_all_problems_are_told_at_once(coco, messages):
    coco.data["annotations"] += [annotation(id=100 + number, bbox=[5, 5, -1, 3]) for number in range(9)]
    coco.data["images"][2] |= {"id": 3}
    coco.data["categories"].append({"id": 11, "name": "cat"})
    (coco.images / "1.png").unlink()
    coco.write()
    with pytest.raises(SpecError) as caught:
        read_coco(coco.spec(classes=("cow",)), training=True)
    text = messages(caught.value)
    assert "environment images" in text
    assert "image files that do not exist (1)" in text
    assert "images with the same id (1): 3: 0.png and 2.png" in text
    assert "'cat' 2 times" in text
    assert "'cow'" in text


def test_one_file_may_not_be_two_images(coco):
    """Each would have the objects of the other for background, and nothing would say so."""
    coco.data["images"][1]["file_name"] = "0.png"
    coco.write()
    with pytest.raises(SpecError, match=r"images with the same file_name \(1\): 0.png: 3 and 13$"):
        read_coco(coco.spec(), training=True)


@pytest.mark.parametrize(("training", "what"), [(True, "nothing can be learned"), (False, "no AP can be measured")])
def test_images_without_any_box_are_a_remark(coco, caplog, training, what):
    coco.data["annotations"] = [annotation(iscrowd=1)]
    coco.write()
    with caplog.at_level(logging.WARNING, logger="specdet.data"):
        assert len(read_coco(coco.spec(filter_empty=False), training=training)) == 3
    assert f"images of which none has a box: {what}" in caplog.text


def test_a_class_without_a_box_to_learn_from_is_a_remark(coco):
    """The dog of the last annotation makes way for a crowd: no other image has one."""
    coco.data["annotations"][2]["iscrowd"] = 1
    coco.write()
    findings = Findings("here")
    read_coco(coco.spec(), training=True, findings=findings)
    remarks = {each.what: each.items for each in findings.found if each.weight == "remark"}
    assert remarks == {"classes of which this data has no box to learn from": ("'dog'",)}


def test_of_many_examples_some_are_shown_and_the_rest_counted(coco, messages):
    coco.data["annotations"] += [annotation(id=100 + number, bbox=[5, 5, -1, 3]) for number in range(9)]
    coco.write()
    with pytest.raises(SpecError) as caught:
        read_coco(coco.spec(), training=True)
    text = messages(caught.value)
    assert "(9): annotation 100 of" in text
    assert "; and 4 more" in text
    assert "annotation 105" not in text


def test_boxes_over_the_border_and_empty_ones_are_remarks(coco, caplog):
    over = annotation(bbox=[50, 30, 15, 5])
    coco.data["annotations"] += [over, annotation(id=100, bbox=[5, 5, 0, 7])]
    coco.write()
    with caplog.at_level(logging.WARNING, logger="specdet.data"):
        reader = read_coco(coco.spec(), training=True)
    assert "past the border of their image, cut there (1): annotation 99" in caplog.text
    assert "without an extent, left out (1): annotation 100" in caplog.text
    boxes = DetectionDataset(reader)[0, 0].boxes
    assert boxes.tolist() == [[10, 5, 30, 35], [50.5, 30, 60, 40], [50, 30, 60, 35]]


def test_missing_folder_and_file_are_one_problem_each(coco):
    spec = coco.spec()
    for path in coco.images.iterdir():
        path.unlink()
    coco.images.rmdir()
    with pytest.raises(SpecError) as caught:
        read_coco(spec, training=True)
    assert [(problem.path, problem.kind) for problem in caught.value.problems] == [("images", "environment")]
    coco.file.unlink()
    with pytest.raises(SpecError) as caught:
        read_coco(spec, training=True)
    found = [(problem.path, problem.kind) for problem in caught.value.problems]
    assert found == [("images", "environment"), ("annotations", "environment")]


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"images": []}', '{"images": {}, "annotations": [], "categories": []}']
)
def test_other_files_are_not_taken_for_coco(coco, content):
    coco.file.write_text(content)
    with pytest.raises(SpecError, match=r"annotations\.json: not (JSON|a COCO file)"):
        read_coco(coco.spec(), training=True)


def test_a_file_name_that_cannot_be_printed_is_told(coco, messages):
    coco.data["images"][2]["file_name"] = "\ud800.png"
    coco.write()
    with pytest.raises(SpecError) as caught:
        read_coco(coco.spec(), training=False)
    assert r"images whose file_name has half a character (1): \ud800.png" in messages(caught.value)
    assert messages(caught.value).encode()
    assert len(read_coco(coco.spec(), training=False, findings=Findings("here"))) == 2  # what can be used


def test_headers_are_compared_when_asked_for(coco):
    coco.data["images"][0] |= {"height": 60, "width": 40}
    coco.data["annotations"] = coco.data["annotations"][:1]
    coco.write()
    with pytest.raises(SpecError, match=r"0.png: the image is 60 x 40 px, but its annotations are for 40 x 60 .*EXIF"):
        read_coco(coco.spec(), training=True, headers=True)
    reader = read_coco(coco.spec(), training=True)
    with pytest.raises(ValueError, match=r"0.png: the image is 60 x 40 px, but its annotations are for 40 x 60"):
        reader.image(0)


def test_sizes_that_the_file_lacks_come_from_the_headers(coco):
    for image in coco.data["images"]:
        del image["height"], image["width"]
    coco.write()
    assert read_coco(coco.spec(), training=True).sizes.tolist() == [[40, 60]]


def test_file_names_may_have_folders(coco):
    (coco.images / "deep").mkdir()
    Image.fromarray(np.zeros((40, 60, 3), dtype=np.uint8)).save(coco.images / "deep/ü.png")
    coco.data["images"][0]["file_name"] = "deep/ü.png"
    coco.write()
    reader = read_coco(coco.spec(), training=True)
    assert reader.record(0).path == coco.images / "deep/ü.png"
    assert reader.image(0).sum() == 0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from([2**70, 10**400]) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["id", "bbox"]), inner, max_size=2),
    max_leaves=4,
)


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory) -> CocoFolder:
    return CocoFolder(tmp_path_factory.mktemp("spoilt"))


@settings(max_examples=150, deadline=None)
@given(place=st.data(), value=JSON)
def test_whatever_stands_in_the_file_is_read_or_reported(spoilt, place, value):
    original = copy.deepcopy(spoilt.data)
    items = spoilt.data[place.draw(st.sampled_from([*spoilt.data]))]
    item = place.draw(st.sampled_from(items))
    key = place.draw(st.sampled_from([*item]))
    if key == "bbox" and place.draw(st.booleans()):
        item[key][place.draw(st.integers(0, 3))] = value
    else:
        item[key] = value
    spoilt.write()
    spoilt.data = original
    try:
        dataset = DetectionDataset(read_coco(spoilt.spec(), training=False, headers=True))
    except SpecError as error:
        assert error.problems
    else:
        json.dumps(dataset.ground_truth(), allow_nan=False)
        for index in range(len(dataset)):
            boxes = dataset[0, index].boxes
            assert ((boxes >= 0) & (boxes <= torch.tensor([60, 40, 60, 40]))).all()
