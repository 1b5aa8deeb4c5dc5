import logging
import xml.etree.ElementTree as ElementTree

import pytest

from specdet.data.spec import VocSpec
from specdet.data.voc import read_voc
from specdet.spec import SpecError


def read(voc, *, training=True, headers=False, **fields):
    return read_voc(VocSpec(**{"folder": voc.folder, "split": "train", **fields}), training=training, headers=headers)


def test_boxes_count_pixels_from_one_and_include_the_last(voc):
    voc.add("a", ("dog", (1, 1, 60, 40), 0), ("cat", (11, 6, 30, 35), 1))
    voc.add("b", ("cat", (0, 0, 10, 10), 0))
    reader = read(voc)
    assert reader.classes == ("cat", "dog")
    assert reader.record(0).boxes.tolist() == [[0, 0, 60, 40], [10, 5, 30, 35]]
    assert reader.record(0).labels.tolist() == [1, 0]
    assert reader.record(0).crowd.tolist() == [False, True]
    assert reader.record(0).area.tolist() == [2400, 600]
    assert reader.record(1).boxes.tolist() == [[0, 0, 10, 10]]  # counted from 0: cut at the border
    assert read(voc, difficult="object").record(0).crowd.tolist() == [False, False]


def test_a_click_is_not_an_object(voc, caplog):
    voc.add("a", ("dog", (5, 5, 5, 5), 0), ("dog", (5, 5, 6, 6), 0))
    with caplog.at_level(logging.WARNING, logger="specdet.data"):
        reader = read(voc)
    assert reader.record(0).boxes.tolist() == [[4, 4, 6, 6]]
    assert "without an extent, left out (1): dog of a.jpg" in caplog.text


def test_image_ids_are_places_in_the_split_whatever_is_left_out(voc):
    voc.add("empty")
    voc.add("full", ("dog", (5, 5, 20, 20), 0))
    assert [read(voc).record(index).image_id for index in range(1)] == [1]
    everything = read(voc, training=False)
    assert [everything.record(index).image_id for index in range(2)] == [0, 1]


def test_a_class_that_the_split_lacks_stops_training_only(voc, caplog):
    voc.add("a", ("dog", (5, 5, 20, 20), 0))
    with pytest.raises(SpecError, match=r"it has dog\) \(1\): 'dogs' \(did you mean 'dog'\?\)"):
        read(voc, classes=("dogs",))
    with caplog.at_level(logging.WARNING, logger="specdet.data"):
        assert read(voc, classes=("dog", "dogs"), training=False).classes == ("dog", "dogs")
    assert "'dogs'" in caplog.text


def test_a_split_with_none_of_the_classes_is_not_evaluated_on(voc):
    voc.add("a", ("dog", (5, 5, 20, 20), 0))
    with pytest.raises(SpecError, match=r"the split lacks \(it has dog\) \(2\): 'Dog' \(did you mean 'dog'\?\); 'cat'"):
        read(voc, classes=("Dog", "cat"), training=False)
    (voc.folder / "Annotations/a.xml").write_text("<annotation/>")
    assert read(voc, classes=("Dog",), training=False).classes == ("Dog",)  # nothing there that could be meant


def test_sizes_that_a_file_lacks_come_from_the_image(voc):
    voc.add("a", ("dog", (5, 5, 20, 20), 0), size="<width>0</width><height>0</height>")
    assert read(voc).sizes.tolist() == [[40, 60]]


def test_all_problems_are_told_at_once(voc, messages):
    good = ("dog", (5, 5, 20, 20), 0)
    voc.add("good", good, ("dog", (20, 5, 5, 20), 0))
    for name in ("noimage", "noxml", "broken", "nobox", "noname", "word"):
        voc.add(name, good)
    voc.add("turned", good, size="<width>40</width><height>60</height>")
    (voc.folder / "JPEGImages/noimage.jpg").unlink()
    (voc.folder / "Annotations/noxml.xml").unlink()
    for name, text in {
        "broken": "<annotation>",
        "nobox": "<annotation><object><name>dog</name></object></annotation>",
        "noname": "<annotation><object/></annotation>",
        "word": (voc.folder / "Annotations/word.xml").read_text().replace("<xmin>5", "<xmin>five"),
    }.items():
        (voc.folder / f"Annotations/{name}.xml").write_text(text)
    with pytest.raises(SpecError) as caught:
        read(voc, headers=True)
    text = messages(caught.value)
    for said in (
        "environment folder",
        "noimage.jpg",
        "noxml.xml",
        "files that cannot be read (4): broken.xml: no element found",
        "nobox.xml: the dog has no bndbox with xmin, ymin, xmax, ymax",
        "noname.xml: an object without a name",
        "word.xml: could not convert string to float: 'five'",
        "turned.jpg: the image is 60 x 40 px, but its annotations are for 40 x 60",
        "dog of good.jpg: 19, 4, 5, 20 in 60 x 40",
    ):
        assert said in text


def test_an_annotation_file_cannot_have_others_read_or_grow_without_end(voc, tmp_path, messages):
    (tmp_path / "secret.txt").write_text("dog")
    grown = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    for name, entities in {
        "read": f'<!ENTITY dog SYSTEM "{(tmp_path / "secret.txt").as_uri()}">',
        "grown": f'<!ENTITY l0 "dogs">{grown}<!ENTITY dog "&l9;">',
    }.items():
        voc.add(name, ("dog", (5, 5, 20, 20), 0))
        file = voc.folder / f"Annotations/{name}.xml"
        file.write_text(f"<!DOCTYPE annotation [{entities}]>" + file.read_text().replace(">dog<", ">&dog;<"))
    with pytest.raises(SpecError) as caught:
        read(voc)
    assert "files that cannot be read (2)" in messages(caught.value)
    assert "EntitiesForbidden" in messages(caught.value)


def test_names_listed_twice_are_a_problem(voc):
    voc.add("a", ("dog", (5, 5, 20, 20), 0))
    voc.add("a", ("dog", (5, 5, 20, 20), 0))
    with pytest.raises(SpecError, match=r"train.txt lists more than once \(1\): a$"):
        read(voc)


def test_missing_folders_and_lists_are_environment_problems(voc, tmp_path):
    with pytest.raises(SpecError, match=r"has no list ImageSets/Main/trian.txt \(did you mean 'train'") as caught:
        read(voc, split="trian")
    assert [problem.kind for problem in caught.value.problems] == ["environment"]
    with pytest.raises(SpecError, match="nowhere: the folder does not exist"):
        read(voc, folder=tmp_path / "nowhere")
    with pytest.raises(SpecError, match="the name of a list"):
        VocSpec(folder=tmp_path, split="../train")


def test_bccd_is_read_as_its_files_say(bccd, caplog):
    with caplog.at_level(logging.WARNING, logger="specdet.data"):
        reader = read_voc(VocSpec(folder=bccd, split="trainval"), training=True, headers=True)
    assert reader.classes == ("Platelets", "RBC", "WBC")
    names = (bccd / "ImageSets/Main/trainval.txt").read_text().split()
    assert len(reader) == len(names) == 292
    boxes = clicks = 0
    for index, name in enumerate(names):
        record = reader.record(index)
        assert record.path == bccd / f"JPEGImages/{name}.jpg"
        expected = []
        for item in ElementTree.parse(bccd / f"Annotations/{name}.xml").getroot().findall("object"):
            x0, y0, x1, y1 = (int(item.find("bndbox").findtext(key)) for key in ("xmin", "ymin", "xmax", "ymax"))
            if x0 < x1 and y0 < y1:
                expected.append([x0 - 1, y0 - 1, x1, y1])
            else:
                clicks += 1
        assert record.boxes.tolist() == expected
        boxes += len(expected)
    assert clicks == caplog.text.count("504, 337, 504, 337") + caplog.text.count("181, 329, 181, 329") == 2
    assert boxes > 3000
