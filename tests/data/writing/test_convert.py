import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from specdet.data.file_reader import FileReader
from specdet.data.record import Record
from specdet.data.shapes import Shapes
from specdet.data.source import sets_in
from specdet.data.spec import ShapesSpec, VocSpec
from specdet.data.writing.convert import convert
from specdet.experiment import check_part
from specdet.spec import SpecError

FORMATS = ("coco", "voc", "yolo")
WIDTH, HEIGHT = 64, 48


def record_of(path, number, *, boxes, labels, crowd):
    boxes = np.array(boxes, dtype=np.float32).reshape(-1, 4)
    return Record(
        image_id=number, path=path, height=HEIGHT, width=WIDTH, boxes=boxes,
        labels=np.array(labels, dtype=np.int64), crowd=np.array(crowd, dtype=np.bool_),
        area=(boxes[:, 2:] - boxes[:, :2]).prod(axis=1),
    )  # fmt: skip


def reader_of(folder, images, *, classes=("zebra", "ant"), names=None):
    """Images of 64 x 48 px, each a list of (x0, y0, x1, y1, label, crowd)."""
    folder.mkdir(parents=True, exist_ok=True)
    records = []
    for number, rows in enumerate(images):
        path = folder / (names[number] if names else f"{number:03d}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            Image.new("RGB", (WIDTH, HEIGHT)).save(path)
        boxes, labels, crowd = [row[:4] for row in rows], [row[4] for row in rows], [row[5] for row in rows]
        records.append(record_of(path, number, boxes=boxes, labels=labels, crowd=crowd))
    return FileReader(records, classes=classes, folder=folder)


def read_back(folder, *, name="train", classes=("zebra", "ant"), **fields):
    import attrs

    spec = sets_in(folder)[name]
    return attrs.evolve(spec, classes=classes, **fields).build(training=False)


def by_name(reader):
    records = [reader.record(index) for index in range(len(reader))]
    return {record.path.stem: record for record in records}


def assert_same(got, expected, *, atol, crowds):
    assert got.classes == expected.classes
    found, wanted = by_name(got), by_name(expected)
    assert sorted(found) == sorted(wanted)
    for stem, one in wanted.items():
        other, kept = found[stem], np.ones(len(one.crowd), dtype=bool) if crowds else ~one.crowd
        assert (other.height, other.width) == (one.height, one.width)
        assert other.labels.tolist() == one.labels[kept].tolist()
        assert other.crowd.tolist() == one.crowd[kept].tolist()
        np.testing.assert_allclose(other.boxes, one.boxes[kept], rtol=0, atol=atol)
        np.testing.assert_allclose(other.area, one.area[kept], rtol=1e-4, atol=150 * atol)


def spans(limit):
    """Two ends of at least half a pixel, whole pixels more often than not."""
    whole = st.tuples(st.integers(0, limit - 1), st.integers(1, limit)).map(lambda each: (each[0], each[0] + each[1]))
    part = st.tuples(st.floats(0, limit - 1, width=32), st.floats(0.5, limit, width=32)).map(
        lambda each: (each[0], each[0] + each[1])
    )
    return st.one_of(whole, part).map(lambda each: (float(each[0]), float(min(each[1], limit))))


objects = st.tuples(spans(WIDTH), spans(HEIGHT), st.integers(0, 1), st.booleans()).map(
    lambda each: (each[0][0], each[1][0], each[0][1], each[1][1], each[2], each[3])
)
IMAGES = st.lists(st.lists(objects, max_size=4, unique_by=lambda each: each[:5]), min_size=1, max_size=3).filter(
    lambda images: any(images)
)


@pytest.mark.parametrize("to", FORMATS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(images=IMAGES)
@example(images=[[(0.0, 7.12, 0.5, 8.12, 0, False)]])  # a pixel high, in hundredths that are none in binary
def test_boxes_classes_and_crowds_come_back(tmp_path_factory, to, images):
    folder = tmp_path_factory.mktemp("convert")
    reader = reader_of(folder / "source", images)
    convert({"train": reader}, to=to, folder=folder / "out", files="link")
    got = read_back(folder / "out")
    # VOC is written to a hundredth of a pixel, and a box of a single pixel is that much wider.
    assert_same(got, reader, atol={"coco": 1e-5, "voc": 0.0151, "yolo": 1e-4}[to], crowds=to != "yolo")


@pytest.mark.parametrize("to", FORMATS)
@pytest.mark.parametrize("then", FORMATS)
def test_bccd_goes_through_two_formats_and_is_the_same(bccd, tmp_path, to, then):
    original = VocSpec(folder=bccd, split="val", classes=("WBC", "RBC", "Platelets")).build(training=False)
    assert len(original) == 87
    convert({"val": original}, to=to, folder=tmp_path / "a", files="link")
    between = read_back(tmp_path / "a", name="val", classes=original.classes)
    convert({"val": between}, to=then, folder=tmp_path / "b", files="link")
    again = read_back(tmp_path / "b", name="val", classes=original.classes)
    assert_same(again, original, atol=1e-3, crowds=True)


@pytest.mark.parametrize("to", FORMATS)
def test_the_spec_beside_it_keeps_the_order_of_the_classes(tmp_path, to):
    images = [[(1, 2, 30, 40, 0, False)], [(3, 4, 50, 40, 1, False)]]
    readers = {name: reader_of(tmp_path / name, images) for name in ("val", "train", "extra")}
    written = convert(readers, to=to, folder=tmp_path / "out")
    assert [(each.name, each.images, each.boxes) for each in written] == [
        ("val", 2, 2),
        ("train", 2, 2),
        ("extra", 2, 2),
    ]
    check_part(tmp_path / "out/data.toml")
    spec = tmp_path / "spec.toml"
    spec.write_text('extends = ["specdet:coco/rpn_r50_fpn_1x.toml", "out/data.toml"]\nunset = ["data.root"]\n')
    from specdet.experiment import load

    data = load(spec).data
    for role in ("train", "val"):
        reader = getattr(data, role).build(training=role == "train")
        assert reader.classes == ("zebra", "ant")
        assert len(reader) == 2
        assert reader.image(0).shape == (3, HEIGHT, WIDTH)


def test_a_set_with_a_name_of_its_own_is_trained_on(tmp_path):
    convert({"mine": reader_of(tmp_path / "a", [[(1, 2, 3, 4, 0, False)]])}, to="coco", folder=tmp_path / "out")
    text = (tmp_path / "out/data.toml").read_text()
    assert "[data.train]" in text
    assert "[data.val]" not in text


@pytest.mark.parametrize("to", FORMATS)
def test_images_are_copied_or_linked(tmp_path, to):
    reader = reader_of(tmp_path / "a", [[(1, 2, 30, 40, 0, False)]])
    for files in ("copy", "link"):
        convert({"train": reader}, to=to, folder=tmp_path / files, files=files)
        (image,) = (path for path in (tmp_path / files).rglob("*.png"))
        assert image.is_symlink() == (files == "link")
        assert image.read_bytes() == (tmp_path / "a/000.png").read_bytes()
    with pytest.raises(SpecError, match="cannot refer") if to != "coco" else _nothing():
        convert({"train": reader}, to=to, folder=tmp_path / "refer", files="refer")


def _nothing():
    from contextlib import nullcontext

    return nullcontext()


def test_coco_can_refer_to_images_where_they_are(tmp_path):
    reader = reader_of(tmp_path / "a", [[(1, 2, 30, 40, 0, False)]], names=["deep/x.png"])
    convert({"train": reader}, to="coco", folder=tmp_path / "out", files="refer")
    assert [path.name for path in (tmp_path / "out").iterdir() if path.is_dir()] == ["annotations"]
    from specdet.spec.compose import compose

    table = compose(tmp_path / "out/data.toml", part=True).tree["data"]["train"]
    assert Path(table["images"]) == tmp_path / "a"
    again = sets_in(tmp_path / "out/annotations/train.json", images=tmp_path / "a")["train"].build(training=False)
    assert again.record(0).path == tmp_path / "a/deep/x.png"


@pytest.mark.parametrize("to", FORMATS)
def test_no_two_images_are_written_to_one_place(tmp_path, to):
    one = [[(number, 2, 30, 40, 0, False)] for number in range(4)]
    names = ["x/a b.png", "y/a b.png", "A B.jpg", "a b.bmp"]
    reader = reader_of(tmp_path / "a", one, names=names)
    convert({"train": reader}, to=to, folder=tmp_path / "out")
    again = read_back(tmp_path / "out")
    assert len(again) == 4
    lefts = sorted(again.record(index).boxes[0, 0] for index in range(4))
    assert lefts == [0, 1, 2, 3]


def test_an_image_of_two_lists_of_voc_is_there_once(tmp_path):
    images = [[(1, 2, 30, 40, 0, False)], [(3, 4, 50, 40, 1, False)]]
    reader = reader_of(tmp_path / "a", images)
    convert({"train": reader, "trainval": reader}, to="voc", folder=tmp_path / "out")
    assert len(os.listdir(tmp_path / "out/JPEGImages")) == len(os.listdir(tmp_path / "out/Annotations")) == 2


@pytest.mark.parametrize("to", FORMATS)
def test_drawn_images_become_files(tmp_path, to):
    shapes = Shapes(ShapesSpec(count=3, seed=2, size=64, max_side=32))
    convert({"train": shapes}, to=to, folder=tmp_path / "out", files="link")
    again = read_back(tmp_path / "out", classes=shapes.classes)
    assert len(again) == 3
    for index in range(3):
        record = again.record(index)
        np.testing.assert_allclose(record.boxes, shapes.record(index).boxes, atol=1e-3)
        assert np.array_equal(again.image(index).numpy(), shapes.image(index).numpy())


def test_a_box_of_one_pixel_is_no_click(tmp_path):
    reader = reader_of(tmp_path / "a", [[(5, 5, 6, 6, 0, False)]])
    convert({"train": reader}, to="voc", folder=tmp_path / "out")
    np.testing.assert_allclose(read_back(tmp_path / "out").record(0).boxes, [[5, 5, 6.01, 6.01]], atol=1e-4)
    text = (tmp_path / "out/Annotations/000.xml").read_text()
    assert "<xmin>6</xmin>" in text
    assert "<xmax>6.01</xmax>" in text  # whoever takes whole numbers alone sees VOC's own way to say one pixel


def test_names_with_any_characters_survive(tmp_path):
    classes = ('a "quoted" <b> & \\', "no: #1")
    images = [[(1, 2, 30, 40, 0, False), (1, 2, 20, 40, 1, False)]]
    for to in FORMATS:
        reader = reader_of(tmp_path / "a", images, classes=classes)
        convert({"train": reader}, to=to, folder=tmp_path / to)
        assert read_back(tmp_path / to, classes=classes).record(0).labels.tolist() == [0, 1]
        check_part(tmp_path / to / "data.toml")


def test_nothing_is_overwritten_and_nothing_is_left_after_a_failure(tmp_path):
    reader = reader_of(tmp_path / "a", [[(1, 2, 30, 40, 0, False)]])
    (tmp_path / "out").mkdir()
    convert({"train": reader}, to="coco", folder=tmp_path / "out")
    with pytest.raises(FileExistsError):
        convert({"train": reader}, to="coco", folder=tmp_path / "out")
    (tmp_path / "a/000.png").unlink()
    with pytest.raises(FileNotFoundError):
        convert({"train": reader}, to="yolo", folder=tmp_path / "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "out"]


def test_sets_with_different_classes_are_refused(tmp_path):
    images = [[(1, 2, 30, 40, 0, False)]]
    readers = {name: reader_of(tmp_path / name, images, classes=(name,)) for name in ("train", "val")}
    with pytest.raises(SpecError, match="different classes: train has train; val has val"):
        convert(readers, to="yolo", folder=tmp_path / "out")
