import logging
import os
import shutil

import numpy as np
import pytest
from PIL import Image

from specdet.data.findings import Findings
from specdet.data.open import open_reader
from specdet.data.spec import VocSpec, YoloSpec
from specdet.data.voc import read_voc
from specdet.data.yolo import read_yolo
from specdet.data.yolo_layout import labels_of, splits_of
from specdet.spec import SpecError

GOOD = "1 0.5 0.5 0.5 0.5"


def read(yolo, *, training=True, **fields):
    return read_yolo(YoloSpec(**{"folder": yolo.folder, "split": "train", **fields}), training=training)


def names_of(reader):
    return [str(reader.record(index).path.relative_to(reader.table.folder)) for index in range(len(reader))]


def test_rows_are_centres_and_sides_in_parts_of_the_image(yolo):
    yolo.add("b.png", "1 0.5 0.5 0.5 0.25", "0 0.1 0.25 0.2 0.5")
    yolo.add("a.jpg", "0\t0.25  0.5 0.5 1 ", size=(80, 20))
    reader = read(yolo, min_size=1)
    assert reader.classes == ("cat", "dog")
    assert names_of(reader) == ["a.jpg", "b.png"]
    assert reader.sizes.tolist() == [[20, 80], [40, 60]]
    assert reader.record(0).boxes.tolist() == [[0, 0, 40, 20]]
    assert reader.record(1).boxes.tolist() == [[15, 15, 45, 25], [0, 0, 12, 20]]
    assert reader.record(1).labels.tolist() == [1, 0]
    assert reader.record(1).area.tolist() == [300, 240]
    assert reader.record(1).crowd.tolist() == [False, False]
    assert reader.image(1).shape == (3, 40, 60)


def test_an_outline_has_its_smallest_box_and_its_own_area(yolo):
    yolo.add("a.png", "1 0 0 0.5 0 0 1", "0 0.5 0.5 1 0.5 1 1 0.5 1")
    record = read(yolo).record(0)
    assert record.boxes.tolist() == [[0, 0, 30, 40], [30, 20, 60, 40]]
    assert record.area.tolist() == [600, 600]  # half of 30 x 40, all of 30 x 20


def test_image_ids_are_places_in_the_whole_set(yolo):
    yolo.add("a.png")
    yolo.add("b.png", GOOD)
    assert [read(yolo).record(index).image_id for index in range(1)] == [1]
    assert len(read(yolo, training=False)) == 2


def test_images_lie_in_folders_of_folders_and_not_in_hidden_ones(yolo):
    yolo.add("z.png", GOOD)
    for place in ("train/day", "train/.trash"):
        yolo.add("b.JPG", GOOD, place=place)
    yolo.add("._a.png", GOOD)
    (yolo.folder / "images/train/readme.txt").touch()
    (yolo.folder / "images/train/day/loop").symlink_to(yolo.folder / "images/train")
    assert names_of(read(yolo)) == ["day/b.JPG", "z.png"]


def test_odd_rows_are_told_with_file_and_line(yolo, messages):
    labels = yolo.add(
        "a.png", GOOD, "", "1 0.5 0.5 0.5", "one 0.5 0.5 0.5 0.5", "1 nan 0.5 0.5 0.5", "1.5 0.5 0.5 0.5 0.5",
        "2 0.5 0.5 0.5 0.5", "-1 0.5 0.5 0.5 0.5", "1 30 20 30 20", "1 0.5 0.5 0.5 0.5 0.9", "1 0.5 0.5 -0.1 0.5",
        "1 1.3 1.3 0.1 0.1", "inf 0.5 0.5 0.5 0.5",
    )  # fmt: skip
    with pytest.raises(SpecError) as caught:
        read(yolo)
    text = messages(caught.value)
    for said in (
        f"rows that are neither a box (class cx cy w h) nor an outline (class x y x y x y ...) (2): {labels}:3: 1 0.5",
        f"; {labels}:10: 1 0.5 0.5 0.5 0.5 0.9",
        f"rows that are not numbers: class cx cy w h is needed (1): {labels}:4: one",
        f"not finite (1): {labels}:5: ",
        f"rows whose class is not a whole number (2): {labels}:6: 1.5 0.5 0.5 0.5 0.5; {labels}:13: inf",
        f"rows whose class has no name: there are 2, numbered from 0 (2): {labels}:7: 2 0.5",
        f"; {labels}:8: -1 0.5",
        f"rows in pixels: parts of the image's width and height are needed (1): {labels}:9: 1 30 20 30 20",
        f"before the left or top one (x0, y0, x1, y1) (1): {labels}:11: 33, 10, 27, 30 in 60 x 40",
        f"mostly outside their image (x0, y0, x1, y1 in width x height) (1): {labels}:12: ",
    ):
        assert said in text
    assert "spec folder: " in text


def test_a_row_written_twice_counts_once_and_a_box_without_extent_not_at_all(yolo, caplog):
    yolo.add("a.png", GOOD, GOOD, "1 0.5 0.5 0 0.5", "1 0.51 0.5 0.99 0.5")
    with caplog.at_level(logging.WARNING, logger="specdet.data"):
        boxes = read(yolo).record(0).boxes.tolist()
    assert boxes[0] == [15, 10, 45, 30]
    assert boxes[1] == pytest.approx([0.9, 10, 60, 30])  # cut at the border
    assert len(boxes) == 2
    for said in ("a.txt:2: 1 0.5 0.5 0.5 0.5", "without an extent, left out (1)"):
        assert said in caplog.text


def test_a_missing_file_of_labels_is_an_image_without_objects_unless_all_are(yolo):
    yolo.add("a.png", GOOD)
    yolo.add("b.png")
    findings = Findings("here")
    spec = YoloSpec(folder=yolo.folder, split="train")
    assert len(read_yolo(spec, training=False, findings=findings)) == 2
    assert [(each.weight, each.items) for each in findings.found] == [("note", ("b.png",))]
    shutil.rmtree(yolo.folder / "labels")
    with pytest.raises(SpecError, match=r"no image has a file of labels \(1\): such as .*labels/train/a.txt"):
        read(yolo, training=False)


def test_a_file_that_is_no_image_is_told(yolo):
    yolo.add("a.png", GOOD)
    (yolo.folder / "images/train/b.png").write_text("no image")
    with pytest.raises(SpecError, match=r"cannot be read \(1\): .*b.png: not an image"):
        read(yolo)


@pytest.mark.parametrize("name", ["x" * 300 + ".png", "/"])
def test_a_name_that_no_file_can_have_is_told(yolo, name):
    yolo.add("a.png", GOOD)
    yolo.describe("train: train.txt\nnames: [cat, dog]\n")
    (yolo.folder / "train.txt").write_text(f"images/train/a.png\n{name}\n")
    with pytest.raises(SpecError, match=r"image files that do not exist \(1\): /"):
        read(yolo)
    yolo.describe(f"train: {'x' * 300}\nnames: [cat, dog]\n")
    with pytest.raises(SpecError, match="folders of images that do not exist"):
        read(yolo)


def test_a_folder_that_may_not_be_read_is_told(yolo, monkeypatch):
    yolo.add("a.png", GOOD)

    def denied(folder):
        raise PermissionError(13, "Permission denied", folder)

    monkeypatch.setattr(os, "scandir", denied)
    with pytest.raises(SpecError, match=r"folders that cannot be read \(1\): .*images/train: Permission denied"):
        read(yolo)


def test_a_number_that_would_fill_the_memory_is_not_written_out(yolo):
    yolo.add("a.png", GOOD)
    grown = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 20))
    yolo.describe(f"l0: &l0 [lol]\n{grown}train: images/train\nnames: [cat, dog]\nnc: *l19\n")
    with pytest.raises(SpecError, match=r"`nc` of data.yaml is not the number of its names \(1\): no number, not 2"):
        read(yolo)


def test_sides_are_those_after_turning(yolo):
    yolo.add("a.jpg", "1 0.5 0.25 1 0.5")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (60, 40)).save(yolo.folder / "images/train/a.jpg", exif=exif)
    assert read(yolo).record(0).boxes.tolist() == [[0, 0, 40, 30]]


@pytest.mark.parametrize(
    "names",
    ["names: [no, dog]", "names:\n  0: no\n  1: dog", "names: {1: dog, 0: no}", "nc: 2\nnames: ['no', \"dog\"]"],
)
def test_names_are_texts_whatever_yaml_makes_of_them(yolo, names):
    yolo.describe(f"train: images/train\n{names}\n")
    yolo.add("a.png", GOOD)
    assert read(yolo).classes == ("no", "dog")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("train: images/train", "needs `names`"),
        ("train: images/train\nnames: 3", "needs `names`"),
        ("train: images/train\nnames: [cat, [dog]]", "needs `names`"),
        ("train: images/train\nnames: {1: cat, 2: dog}", r"numbered from 0 on, without a gap \(1\): 1, 2"),
        ("train: images/train\nnames: [cat, dog]\nnc: 3", r"not the number of its names \(1\): 3, not 2"),
        ("train: images/train\nnames: [cat, cat]", r"classes with the same name \(1\): 'cat' 2 times"),
        ("trian: images/train\nnames: [cat]\nval: images/val", r"no such split \(1\): 'train' \(known: val\)"),
        ("train: images/trian\nnames: [cat]", "folders of images that do not exist"),
        ("- train", "not a table"),
        ("train: [", r"data.yaml is not YAML \(1\): data.yaml: while parsing"),
        ("a: !!python/object/apply:os.system ['true']", "needs `names`"),
        ("[" * 3000, "data.yaml is not YAML"),
    ],
)
def test_what_is_wrong_with_data_yaml_is_told(yolo, text, said):
    yolo.describe(text)
    yolo.add("a.png", GOOD)
    with pytest.raises(SpecError, match=said):
        read(yolo)


@pytest.mark.parametrize(
    ("described", "at"),
    [
        ("path: ..", "images/train"),
        ("path: /content/of/another/machine", "images/train"),
        ("path: set", "images/train"),  # as if it lay above
        ("", "../images/train"),  # as some tools write it
        ("", "[images/train]"),
        ("", "list.txt"),
    ],
)
def test_folders_are_found_as_tools_write_them(tmp_path, make_yolo, described, at):
    folder = tmp_path / "set"
    yolo = make_yolo(folder)
    yolo.add("a.png", GOOD)
    (folder / "list.txt").write_text("./images/train/a.png\n")
    inner = folder / "meta" if described == "path: .." else folder
    inner.mkdir(exist_ok=True)
    (folder / "data.yaml").unlink()
    (inner / "data.yaml").write_text(f"{described}\ntrain: {at}\nnames: [cat, dog]\n")
    assert len(read(yolo, folder=inner)) == 1
    assert len(read(yolo, folder=inner / "data.yaml")) == 1


@pytest.mark.parametrize("place", ["images/train", "train/images"])
def test_plain_folders_have_their_names_in_classes_txt(yolo, place):
    yolo.add("a.png", GOOD)
    (yolo.folder / "data.yaml").unlink()
    labels = place.replace("images", "labels")
    if place == "train/images":
        for kind in ("images", "labels"):
            (yolo.folder / "train").mkdir(exist_ok=True)
            (yolo.folder / kind / "train").rename(yolo.folder / "train" / kind)
            (yolo.folder / kind).rmdir()
    with pytest.raises(SpecError, match="no names of classes"):
        read(yolo)
    (yolo.folder / "classes.txt").write_text("cat\n\ndog\n")
    assert read(yolo).classes == ("cat", "dog")
    assert splits_of(yolo.folder) == ("train",)
    with pytest.raises(SpecError, match=r"has no folder images/trian \(did you mean 'train'\?\)"):
        read(yolo, split="trian")
    assert (yolo.folder / labels).is_dir()


def test_a_set_without_splits(yolo):
    yolo.add("a.png", GOOD, place="")
    (yolo.folder / "data.yaml").unlink()
    (yolo.folder / "labels/classes.txt").write_text("cat\ndog")
    assert splits_of(yolo.folder) == ("",)
    assert len(read(yolo, split="")) == 1


def test_labels_take_the_place_of_the_last_images(tmp_path):
    assert labels_of(tmp_path / "images/x/images/a.b.jpg") == tmp_path / "images/x/labels/a.b.txt"
    assert labels_of(tmp_path / "x/images.jpg") == tmp_path / "x/images.txt"


def test_nothing_is_opened_out_of_the_folders(tmp_path, make_yolo):
    inside, outside = make_yolo(tmp_path / "in"), make_yolo(tmp_path / "out")
    inside.add("a.png", GOOD)
    outside.add("b.png", GOOD)
    os.symlink(outside.folder / "images/train/b.png", inside.folder / "images/train/b.png")
    spec = YoloSpec(folder=inside.folder, split="train")
    findings = Findings("here", folders=[inside.folder])
    assert len(open_reader(spec, training=True, findings=findings)) == 1
    (found,) = [each for each in findings.found if each.weight == "problem"]
    assert (found.what, len(found.items)) == ("files outside of the folders that may be read", 1)
    inside.describe(f"train: {outside.folder}/images/train\nnames: [cat, dog]")
    with pytest.raises(SpecError, match="outside of the folders"):
        open_reader(spec, training=True, findings=Findings("here", folders=[inside.folder]))
    assert len(open_reader(spec, training=True, findings=Findings("here"))) == 1


def test_classes_can_be_renamed_and_chosen(yolo):
    yolo.add("a.png", GOOD, "0 0.5 0.5 0.25 0.5")
    reader = read(yolo, rename={"cat": "pet", "dog": "pet"})
    assert (reader.classes, reader.record(0).labels.tolist()) == (("pet",), [0, 0])
    reader = read(yolo, classes=("dog",))
    assert (reader.classes, reader.record(0).labels.tolist()) == (("dog",), [0])
    with pytest.raises(SpecError, match=r"it has cat, dog\) \(1\): 'dgo' \(did you mean 'dog'"):
        read(yolo, classes=("dgo",))


def test_bccd_as_yolo_is_bccd(bccd, tmp_path, make_yolo):
    voc = read_voc(VocSpec(folder=bccd, split="val"), training=False)
    yolo = make_yolo(tmp_path)
    yolo.describe(f"train: images/train\nnames: [{', '.join(voc.classes)}]")
    for kind in ("images", "labels"):
        (tmp_path / kind / "train").mkdir(parents=True)
    for index in range(len(voc)):
        record = voc.record(index)
        os.symlink(record.path, tmp_path / "images/train" / record.path.name)
        with (tmp_path / "labels/train" / f"{record.path.stem}.txt").open("w") as file:
            for (x0, y0, x1, y1), label in zip(record.boxes.tolist(), record.labels.tolist(), strict=True):
                centre = (x0 + x1) / 2 / record.width, (y0 + y1) / 2 / record.height
                file.write(f"{label} %g %g %g %g\n" % (*centre, (x1 - x0) / record.width, (y1 - y0) / record.height))
    reader = read(yolo, training=False)
    assert reader.classes == voc.classes
    assert len(reader) == len(voc) > 50
    places = {reader.record(index).path.name: index for index in range(len(reader))}
    for index in range(len(voc)):
        expected = voc.record(index)
        got = reader.record(places[expected.path.name])
        assert got.labels.tolist() == expected.labels.tolist()
        np.testing.assert_allclose(got.boxes, expected.boxes, rtol=0, atol=1e-3)
