import os

import pytest

from app.browsing.opened import open_set, stamps
from app.browsing.sets import NamedSet, sets_of
from specdet.data.spec import CocoSpec, DataSpec, ShapesSpec, VocSpec


def opened(spec, roots, *, training=True, root=None, headers=False):
    named = NamedSet(name="train", spec=spec, training=training)
    return open_set(named, root=root, folders=roots.folders, headers=headers)


def whats(found, weight="problem") -> dict[str, int]:
    return {each.what: len(each.items) for each in found.findings if each.weight == weight}


OUTSIDE = "files outside of the folders that may be read"


def test_sets_have_names_and_know_which_come_before_them():
    shapes = ShapesSpec(count=1)
    assert list(sets_of(DataSpec(train=shapes))) == ["train"]
    several = sets_of(DataSpec(train={"a": shapes, "b": shapes}, val=shapes))
    assert {name: (each.training, each.before) for name, each in several.items()} == {
        "train.a": (True, ()),
        "train.b": (True, ("train.a",)),
        "val": (False, ()),
    }


def test_a_training_set_leaves_out_what_the_training_does(coco, roots):
    found = opened(coco.spec(), roots)
    assert found.is_usable
    assert found.columns.ids.tolist() == [3]
    assert whats(found, "note") == {"images without a box to learn from, left out of training": 2}
    whole = opened(coco.spec(), roots, training=False)
    assert whole.columns.ids.tolist() == [3, 13, 23]
    assert whole.columns.counts.tolist() == [2, 0, 0]


def test_what_can_be_read_is_shown_in_spite_of_problems(coco, roots):
    coco.data["annotations"].append({"id": 9, "image_id": 13, "category_id": 2, "bbox": [500, 500, 9, 9]})
    coco.data["images"].append({"id": 99, "file_name": "gone.png", "height": 40, "width": 60})
    coco.data["annotations"].append({"id": 10, "image_id": 99, "category_id": 2, "bbox": [1, 1, 9, 9]})
    coco.write()
    found = opened(coco.spec(), roots, training=False)
    assert not found.is_usable
    assert whats(found) == {
        "image files that do not exist": 1,
        "boxes that lie mostly outside their image (x0, y0, x1, y1 in width x height)": 1,
    }
    assert found.columns.ids.tolist() == [3, 13, 23, 99]
    assert found.columns.has_size.tolist() == [True, True, True, False]


def test_all_problems_of_a_set_that_cannot_be_read_are_told(coco, roots):
    coco.file.write_text("{")
    found = opened(coco.spec(), roots)
    assert found.reader is None
    (what,) = whats(found)
    assert what.startswith("not JSON")


@pytest.mark.parametrize("field", ["images", "annotations"])
def test_a_path_out_of_the_roots_is_not_opened(coco, roots, tmp_path, field):
    secret = tmp_path / "secret"
    (secret if field == "images" else tmp_path).mkdir(exist_ok=True)
    if field == "annotations":
        secret.write_text("{}")
    fields = {"images": coco.images, "annotations": coco.file, field: secret}
    found = opened(CocoSpec(**fields), roots)
    assert (found.reader, whats(found)) == (None, {OUTSIDE: 1})


def test_a_root_out_of_the_roots_is_not_looked_for(coco, roots, tmp_path):
    for root in (tmp_path, tmp_path / "nowhere"):
        assert whats(opened(coco.spec(), roots, root=root)) == {OUTSIDE: 1}
    assert list(whats(opened(coco.spec(), roots, root=roots.workspace / "nowhere"))) == [
        f"the folder data.root does not exist: {roots.workspace / 'nowhere'}"
    ]


@pytest.mark.parametrize("way", ["dots", "absolute", "link", "folder link"])
def test_an_image_out_of_the_roots_is_not_opened(coco, roots, tmp_path, way):
    """Its size is not noted, so that a reader would open it."""
    secret = tmp_path / "secret.png"
    os.rename(coco.images / "0.png", secret)
    name = {"dots": "../../secret.png", "absolute": str(secret), "link": "link.png", "folder link": "up/secret.png"}[
        way
    ]
    (coco.images / "link.png").symlink_to(secret)
    (coco.images / "up").symlink_to(tmp_path)
    coco.data["images"][0] = {"id": 3, "file_name": name}
    coco.write()
    found = opened(coco.spec(), roots, training=False)
    assert whats(found) == {OUTSIDE: 1}
    assert not found.columns.has_size[0]


def test_the_files_of_a_voc_list_stay_in_the_roots(voc, roots, tmp_path):
    voc.add("a", ("cell", (3, 3, 20, 20), 0))
    voc.add("b", ("cell", (3, 3, 20, 20), 0))
    annotations = roots.workspace / "Annotations"
    os.rename(annotations / "b.xml", tmp_path / "secret.xml")
    (annotations / "b.xml").symlink_to(tmp_path / "secret.xml")
    with (roots.workspace / "ImageSets/Main/train.txt").open("a") as listing:
        listing.write("../../secret\n")
    found = opened(VocSpec(folder=roots.workspace, split="train"), roots)
    assert whats(found) == {OUTSIDE: 3}  # an annotation; an annotation and an image
    assert found.columns.ids.tolist() == [0]


@pytest.mark.parametrize("part", ["ImageSets", "Annotations", "JPEGImages"])
def test_a_folder_of_a_voc_set_that_leads_elsewhere_is_not_read(voc, roots, tmp_path, part):
    voc.add("a", ("cell", (3, 3, 20, 20), 0))
    os.rename(roots.workspace / part, tmp_path / part)
    (roots.workspace / part).symlink_to(tmp_path / part)
    found = opened(VocSpec(folder=roots.workspace, split="train"), roots)
    assert (found.reader, list(whats(found))) == (None, [OUTSIDE])


def test_headers_tell_files_of_another_size(coco, roots):
    coco.data["images"][0]["width"] = 61
    coco.write()
    assert opened(coco.spec(), roots).is_usable
    assert whats(opened(coco.spec(), roots, headers=True)) == {"images of another size than their annotations": 1}


def test_drawn_sets_are_opened_as_others_are(roots):
    found = opened(ShapesSpec(count=7), roots)
    assert found.is_usable
    assert len(found.columns) == 7
    record = found.reader.record(4)
    here = slice(found.columns.ends[4], found.columns.ends[5])
    assert (found.columns.boxes[here] == record.boxes).all()
    assert (found.columns.labels[here] == record.labels).all()


def test_a_stamp_changes_with_its_file_and_asks_nothing_outside(coco, roots, tmp_path):
    named = NamedSet(name="train", spec=coco.spec(), training=True)
    before = stamps([named], roots=roots)
    coco.data["images"] = []
    coco.write()
    assert stamps([named], roots=roots) != before
    outside = NamedSet(name="train", spec=CocoSpec(images=coco.images, annotations=tmp_path / "x"), training=True)
    there = stamps([outside], roots=roots)
    (tmp_path / "x").write_text("{}")
    assert stamps([outside], roots=roots) == there
