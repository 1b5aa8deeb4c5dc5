import shutil

import pytest

from specdet.data.source import sets_in
from specdet.data.spec import CocoSpec, VocSpec, YoloSpec
from specdet.spec import SpecError


def test_a_folder_of_voc_has_its_lists(voc):
    for name in ("val", "trainval", "dog_train"):
        (voc.folder / f"ImageSets/Main/{name}.txt").touch()
    found = sets_in(voc.folder)
    assert list(found) == ["train", "val"]
    assert found["val"] == VocSpec(folder=voc.folder, split="val")
    for name in ("train", "val"):
        (voc.folder / f"ImageSets/Main/{name}.txt").unlink()
    assert list(sets_in(voc.folder)) == ["trainval"]


def test_a_yolo_set_is_known_by_its_yaml_or_its_folders(yolo):
    yolo.add("a.png", "1 0.5 0.5 0.5 0.5")
    for source in (yolo.folder, yolo.folder / "data.yaml"):
        found = sets_in(source)
        assert list(found) == ["train", "val"]
        assert found["train"] == YoloSpec(folder=source, split="train")
    (yolo.folder / "data.yaml").unlink()
    assert list(sets_in(yolo.folder)) == ["train"]


@pytest.mark.parametrize("place", ["images", ".", "../images/annotations", "../annotations"])
def test_the_images_of_a_coco_file_are_found_near_it(coco, tmp_path, place):
    folder = tmp_path / "set" / "labels"
    folder.mkdir(parents=True)
    shutil.move(coco.file, folder / "annotations.json")
    target = (folder / place).resolve()
    shutil.move(coco.images, tmp_path / "moved")
    target.mkdir(parents=True, exist_ok=True)
    for image in (tmp_path / "moved").iterdir():
        shutil.move(image, target)
    found = sets_in(folder / "annotations.json")["annotations"]
    assert isinstance(found, CocoSpec)
    assert found.images.resolve() == target
    assert len(found.build(training=False)) == 3


def test_images_that_lie_nowhere_near_are_asked_for(coco, tmp_path):
    shutil.move(coco.images, tmp_path / "elsewhere")
    with pytest.raises(SpecError, match=r"its image 0\.png lies nowhere near: say where, with --images"):
        sets_in(coco.file)
    found = sets_in(coco.file, images=tmp_path / "elsewhere")
    assert len(found["annotations"].build(training=False)) == 3


def test_an_export_of_roboflow_has_a_folder_for_each_set(coco, tmp_path):
    for name in ("train", "valid"):
        shutil.copytree(coco.images, tmp_path / "export" / name)
        shutil.copy(coco.file, tmp_path / "export" / name / "_annotations.coco.json")
    found = sets_in(tmp_path / "export")
    assert list(found) == ["train", "valid"]
    assert len(found["valid"].build(training=False)) == 3
    assert list(sets_in(tmp_path / "export/train")) == ["train"]


def test_what_is_nothing_of_that_kind_says_what_would_be(tmp_path):
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(SpecError, match=r"give a spec \(.toml\), a COCO file"):
            sets_in(path)
    (tmp_path / "x.json").write_text("[]")
    with pytest.raises(SpecError, match="not a COCO file"):
        sets_in(tmp_path / "x.json")["x"].build(training=False)
