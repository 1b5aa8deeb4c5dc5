import json
import os

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specdet.runs.predictions import (
    Predictions,
    StoredDetection,
    StoredImage,
    StoredObject,
    file_name,
    read_predictions,
    remove_steps,
    stored_steps,
    write_predictions,
)

edges = st.floats(-1000, 1000).map(lambda value: round(value, 2))
boxes = st.tuples(edges, edges, edges, edges).map(
    lambda box: (min(box[0], box[2]), min(box[1], box[3]), max(box[0], box[2]), max(box[1], box[3]))
)
objects = st.builds(StoredObject, box=boxes, label=st.integers(0, 5), crowd=st.booleans())
detections = st.builds(StoredDetection, box=boxes, score=st.floats(0, 1), label=st.integers(0, 5))
images = st.builds(
    StoredImage,
    id=st.integers(-(2**63), 2**63 - 1),
    file=st.text(st.characters(codec="utf-8"), max_size=20),
    width=st.integers(1, 9999),
    height=st.integers(1, 9999),
    objects=st.lists(objects, max_size=3).map(tuple),
    detections=st.lists(detections, max_size=3).map(lambda found: tuple(sorted(found, key=lambda one: -one.score))),
)
ONE = StoredImage(
    id=3,
    file="a.jpg",
    width=40,
    height=30,
    objects=(StoredObject(box=(1, 2, 3, 4), label=1),),
    detections=(StoredDetection(box=(1, 2, 3, 4.5), score=0.5, label=0),),
)
PREDICTIONS = Predictions(
    iter=123, epoch=2, classes=("cat", "dog"), gives_classes=True, min_score=0.05, most=100, total=7, images=(ONE,)
)


@given(stored=st.lists(images, max_size=3, unique_by=lambda image: image.id), iter=st.integers(0, 10**9))
def test_what_is_written_is_read_back(tmp_path_factory, stored, iter):
    run = tmp_path_factory.mktemp("run")
    predictions = attrs.evolve(PREDICTIONS, iter=iter, images=tuple(stored))
    path = write_predictions(run, predictions)
    assert path == run / file_name(iter)
    assert read_predictions(path) == predictions
    assert stored_steps(run).iters == (iter,)


@pytest.fixture
def lines(tmp_path):
    """The lines of a file of predictions; `lines.read(changed)` reads others instead."""
    path = write_predictions(tmp_path, PREDICTIONS)
    found = path.read_bytes().split(b"\n")

    def read(changed):
        path.write_bytes(b"\n".join(changed))
        return read_predictions(path)

    yield type("Lines", (), {"header": found[0], "image": found[1], "read": staticmethod(read)})


@pytest.mark.parametrize(
    "junk",
    [
        b"{",
        b"[1]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"id": 4}',
        b'{"id":4,"file":"x","width":1e999,"height":1,"objects":[],"detections":[]}',
        b'{"id":4,"file":"x","width":' + b"9" * 5000 + b',"height":1,"objects":[],"detections":[]}',
        b'{"id":"../../etc/passwd","file":"x","width":1,"height":1,"objects":[],"detections":[]}',
        b'{"id":4,"file":"x","width":0,"height":1,"objects":[],"detections":[]}',
        b'{"id":4,"file":7,"width":1,"height":1,"objects":[],"detections":[]}',
        b'{"id":true,"file":"x","width":1,"height":1,"objects":[],"detections":[]}',
        b'{"id":4,"file":"x","width":1,"height":1,"objects":{},"detections":[]}',
    ],
)
def test_a_line_that_makes_no_sense_is_left_out_and_said(lines, junk):
    read = lines.read([lines.header, junk, lines.image])
    assert read.images == (ONE,)
    assert read.skipped == ("line 2 is no image",)


@pytest.mark.parametrize("cut", [1, 20, 100])
def test_a_torn_last_line_costs_that_image(lines, cut):
    second = lines.image.replace(b'"id":3', b'"id":4')
    read = lines.read([lines.header, lines.image, second[:-cut]])
    assert [image.id for image in read.images] == [3] and read.skipped == ("line 3 is no image",)


@pytest.mark.parametrize(
    ("key", "row"),
    [
        ("detections", [0, 0, 1, 1, 1.5, 0]),
        ("detections", [0, 0, 1, 1, -0.1, 0]),
        ("detections", [0, 0, 1, 1, "0.5", 0]),
        ("detections", [0, 0, 1, 1, 0.5, -1]),
        ("detections", [0, 0, 1, 1, 0.5]),
        ("detections", [1, 0, 0, 1, 0.5, 0]),
        ("detections", [0, 0, 1e9, 1, 0.5, 0]),
        ("detections", [0, 0, None, 1, 0.5, 0]),
        ("detections", {"box": 1}),
        ("objects", [0, 0, 1, 1, 0, 7]),
        ("objects", [0, 0, 1, 1, 0.5, 0]),
        ("objects", "box"),
    ],
)
def test_a_box_that_makes_no_sense_is_left_out_and_said(lines, key, row):
    table = json.loads(lines.image)
    table[key].append(row)
    read = lines.read([lines.header, json.dumps(table).encode()])
    assert read.images == (ONE,)
    assert read.skipped == (f"line 2: 1 {key} make no sense",)


def test_an_image_counts_once(lines):
    read = lines.read([lines.header, lines.image, lines.image])
    assert read.images == (ONE,) and read.skipped == ("line 3 has the image 3 once more",)


def test_an_image_whose_boxes_could_not_be_compared_in_memory_is_left_out_and_said(lines):
    table = json.loads(lines.image) | {"id": 4}
    table["objects"] = 40_000 * [[0, 0, 1, 1, 0, 0]]
    table["detections"] = 1000 * [[0, 0, 1, 1, 0.5, 0]]
    read = lines.read([lines.header, lines.image, json.dumps(table).encode()])
    assert read.images == (ONE,) and read.skipped == ("line 3 has too many boxes to compare them",)


def test_what_is_said_has_an_end(lines):
    assert len(lines.read([lines.header, *[b"{"] * 1000]).skipped) == 21


@pytest.mark.parametrize("header", [b"", b"{}", b'{"v":1}', b"PNG", b'{"v":1,"iter":-1,"epoch":0,"classes":[]}'])
def test_a_file_that_begins_otherwise_is_refused_in_a_sentence(lines, header):
    with pytest.raises(ValueError, match=r"iter_00000123\.jsonl does not begin as predictions do"):
        lines.read([header, lines.image])


def test_a_later_version_says_so(lines):
    with pytest.raises(ValueError, match="later version"):
        lines.read([lines.header.replace(b'"v":1', b'"v":2')])


def test_links_and_pipes_are_not_opened(tmp_path):
    real = write_predictions(tmp_path, PREDICTIONS)
    os.symlink(real, tmp_path / file_name(5))
    os.mkfifo(tmp_path / file_name(6))
    (tmp_path / file_name(7)).mkdir()
    steps = stored_steps(tmp_path)
    assert steps.iters == (123,)
    assert [text.split(" ")[0] for text in steps.skipped] == [f"iter_0000000{iter}.jsonl" for iter in (5, 6, 7)]
    for iter in (5, 6, 7):
        with pytest.raises((OSError, ValueError)):
            read_predictions(tmp_path / file_name(iter))


def test_a_folder_that_is_a_link_is_not_followed(tmp_path):
    write_predictions(tmp_path, PREDICTIONS)
    other = tmp_path / "other"
    other.mkdir()
    os.symlink(tmp_path / "predictions", other / "predictions")
    assert stored_steps(other).iters == () and "link" in stored_steps(other).skipped[0]


@pytest.mark.parametrize(
    "name", ["iter_1.jsonl", "iter_00000001.json", "iter_000000001.jsonl", ".iter_00000001.jsonl.tmp"]
)
def test_other_names_are_no_steps(tmp_path, name):
    (tmp_path / "predictions").mkdir()
    (tmp_path / "predictions" / name).touch()
    assert stored_steps(tmp_path).iters == ()


def test_a_run_without_predictions_has_no_steps(tmp_path):
    assert stored_steps(tmp_path).iters == () and stored_steps(tmp_path / "gone").iters == ()


def test_steps_are_removed_alone(tmp_path):
    for iter in (1, 2, 3):
        write_predictions(tmp_path, attrs.evolve(PREDICTIONS, iter=iter))
    remove_steps(tmp_path, (1, 2, 9))
    assert stored_steps(tmp_path).iters == (3,)
