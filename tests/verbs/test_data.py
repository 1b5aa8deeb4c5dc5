import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from specdet.cli import main

SPEC = """
extends = ["specdet:rpn.toml"]
[data.train]
type = "Voc"
folder = "{folder}"
split = "train"
[data.val]
type = "Voc"
folder = "{folder}"
split = "val"
"""


def said(capsys, *arguments):
    code = main(["data", *map(str, arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture
def spec(bccd, tmp_path):
    path = tmp_path / "spec.toml"
    path.write_text(SPEC.format(folder=bccd))
    return path


@pytest.fixture
def small(bccd, tmp_path):
    """Three images of BCCD, which a test may spoil."""
    folder = tmp_path / "small"
    for name in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (folder / name).mkdir(parents=True)
    names = (bccd / "ImageSets/Main/val.txt").read_text().split()[:3]
    for name in names:
        shutil.copy(bccd / f"JPEGImages/{name}.jpg", folder / "JPEGImages")
        shutil.copy(bccd / f"Annotations/{name}.xml", folder / "Annotations")
    for split, own in (("train", names[:2]), ("val", names[2:])):
        (folder / f"ImageSets/Main/{split}.txt").write_text("\n".join(own))
    return folder


def test_check_tells_what_was_put_right(bccd, spec, capsys):
    for source in (bccd, spec):
        code, out, _ = said(capsys, "check", source)
        assert code == 0
        assert "train: 205 images, 2804 boxes, 3 classes (Platelets, RBC, WBC)\n" in out
        assert "  remark: boxes without an extent, left out (1)\n    RBC of BloodImage_00343.jpg: 181, 329" in out
        assert "    -> They are clicks rather than objects" in out
    code, out, _ = said(capsys, "check", bccd, "--only", "test")
    assert out == (
        "test: 72 images, 945 boxes, 3 classes (Platelets, RBC, WBC)\n"
        "  image files opened: 72 headers, and the pixels of those that look cut off\n"
    )


def test_check_tells_problems_of_all_sets_with_what_to_do(small, capsys):
    names = (small / "ImageSets/Main/train.txt").read_text().split()
    (small / f"JPEGImages/{names[0]}.jpg").unlink()
    (small / f"Annotations/{names[1]}.xml").write_text("<annotation>")
    code, out, _ = said(capsys, "check", small)
    assert code == 1
    assert f"problem: image files that do not exist (1)\n    {small}/JPEGImages/{names[0]}.jpg\n    -> Copy" in out
    assert "problem: files that cannot be read (1)" in out
    code, out, _ = said(capsys, "check", small, "--json")
    assert code == 1
    document = json.loads(out)
    found = document["sets"][0]["findings"]
    problems = {(each["count"], each["kind"]) for each in found if each["weight"] == "problem"}
    assert problems == {(1, "environment"), (1, "spec")}
    assert all(each["advice"] for each in found)
    (small / f"Annotations/{names[1]}.xml").write_text("<annotation/>")
    assert said(capsys, "check", small, "--only", "train")[0] == 3


def write_set(layout, folder):
    """Four images of 60 x 40 px with a box each, and the folder of their files."""
    images = folder / {"coco": "images", "voc": "JPEGImages", "yolo": "images/train"}[layout]
    images.mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    names = [f"{letter}.jpg" for letter in "abcd"]
    for name in names:
        Image.fromarray(pixels).save(images / name)
    if layout == "coco":
        (folder / "annotations").mkdir()
        noted = [{"id": place, "file_name": name, "height": 40, "width": 60} for place, name in enumerate(names)]
        boxes = [{"id": n, "image_id": n, "category_id": 1, "bbox": [5, 5, 20, 20], "area": 400} for n in range(4)]
        table = {"images": noted, "annotations": boxes, "categories": [{"id": 1, "name": "cell"}]}
        (folder / "annotations/train.json").write_text(json.dumps(table))
    elif layout == "voc":
        for inner in ("Annotations", "ImageSets/Main"):
            (folder / inner).mkdir(parents=True)
        (folder / "ImageSets/Main/train.txt").write_text("a\nb\nc\nd\n")
        for letter in "abcd":
            (folder / f"Annotations/{letter}.xml").write_text(
                "<annotation><size><width>60</width><height>40</height></size><object><name>cell</name><bndbox>"
                "<xmin>6</xmin><ymin>6</ymin><xmax>25</xmax><ymax>25</ymax></bndbox></object></annotation>"
            )
    else:
        (folder / "labels/train").mkdir(parents=True)
        (folder / "data.yaml").write_text("train: images/train\nnames: [cell]\n")
        for letter in "abcd":
            (folder / f"labels/train/{letter}.txt").write_text("0 0.5 0.5 0.25 0.25\n")
    return images


@pytest.mark.parametrize("layout", ["coco", "voc", "yolo"])
def test_check_opens_the_header_of_every_image_in_all_layouts(layout, tmp_path, capsys):
    images = write_set(layout, tmp_path)
    arguments = ("check", tmp_path, *(("--images", images) if layout == "coco" else ()))
    code, out, _ = said(capsys, *arguments)
    assert code == 0, out
    assert "4 images, 4 boxes" in out
    assert "image files opened: 4 headers, and the pixels of those that look cut off\n" in out
    whole = (images / "a.jpg").read_bytes()
    (images / "a.jpg").write_bytes(whole[:100])  # in its header
    (images / "b.jpg").write_bytes(whole[:-100])  # in its pixels
    (images / "c.jpg").write_text("no image")
    Image.new("RGB", (60, 41)).save(images / "d.jpg")
    code, out, _ = said(capsys, *arguments)
    assert code == 1
    assert "image files opened: 4 headers" in out
    assert "problem: image files that cannot be read (3)\n" in out
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        assert f"    {images / name}: not an image that can be read (" in out
    other = f"{images / 'd.jpg'}: the image is 60 x 41 px, but its annotations are for 60 x 40\n"
    noted = layout != "yolo"  # whose files say no sizes
    assert (f"problem: images of another size than their annotations (1)\n    {other}" in out) == noted
    found = json.loads(said(capsys, *arguments, "--json")[1])["sets"]
    assert [each["headers_opened"] for each in found] == [4]


def test_an_image_is_opened_though_its_xml_file_is_broken_or_missing(tmp_path, capsys):
    images = write_set("voc", tmp_path)
    (tmp_path / "Annotations/a.xml").write_text("<annotation>")
    (tmp_path / "Annotations/b.xml").unlink()
    for name in ("a.jpg", "b.jpg"):
        (images / name).write_text("no image")
    out = said(capsys, "check", tmp_path)[1]
    assert "image files opened: 4 headers" in out
    assert "problem: image files that cannot be read (2)\n" in out


def test_drawn_images_are_no_files(capsys):
    code, out, _ = said(capsys, "check", "specdet:rpn.toml", "data.val.count=2", "--only", "val")
    assert code == 0
    assert "image files" not in out


def test_check_asks_whether_the_sets_of_a_spec_have_the_same_classes(spec, capsys):
    code, out, _ = said(capsys, "check", spec, 'data.train.classes=["WBC", "RBC"]')
    assert code == 1
    assert "the data sets have different classes: train has WBC, RBC; val has Platelets, RBC, WBC" in out
    assert "note: classes that are in the data and not in `classes`, left out (1)\n    'Platelets'" in out


def test_stats_count_as_training_does(bccd, spec, capsys):
    code, out, _ = said(capsys, "stats", spec, "--json")
    assert code == 0
    train = json.loads(out)["train"]
    assert (train["images"], train["boxes"], train["classes"]["RBC"]) == (205, 2804, {"boxes": 2381, "images": 197})
    code, out, _ = said(capsys, "stats", spec)
    assert code == 0
    lines = {" ".join(line.split()) for line in out.splitlines()}
    assert "boxes of WBC 214 in 204 images 87 in 86 images" in lines
    assert "small boxes (0 to 32 px) 20 7" in lines
    code, out, _ = said(capsys, "stats", spec, 'data.train.rename={ RBC = "cell", WBC = "cell" }', "--only", "train")
    assert "boxes of cell" in out


def test_a_spec_of_drawn_shapes_has_statistics_too(capsys):
    code, out, _ = said(capsys, "stats", "specdet:rpn.toml", "data.val.count=3", "--only", "val", "--json")
    assert (code, json.loads(out)["val"]["images"]) == (0, 3)


def test_convert_keeps_the_order_of_the_classes(small, tmp_path, capsys):
    code, out, _ = said(
        capsys, "convert", small, "--to", "yolo", "-o", tmp_path / "yolo", "--classes", "WBC,RBC,Platelets"
    )
    assert code == 0
    assert "train: 2 images" in out
    assert "data.toml reads them" in out
    assert '  0: "WBC"\n  1: "RBC"\n  2: "Platelets"' in (tmp_path / "yolo/data.yaml").read_text()
    code, _, _ = said(capsys, "convert", tmp_path / "yolo/data.yaml", "--to", "coco", "-o", tmp_path / "coco")
    assert code == 0
    for folder in ("yolo", "coco"):
        out = said(capsys, "check", tmp_path / folder)[1]
        assert "3 classes (WBC, RBC, Platelets)" in out
    before = json.loads(said(capsys, "stats", small, "--json", "--classes", "WBC,RBC,Platelets")[1])
    after = json.loads(said(capsys, "stats", tmp_path / "coco", "--json")[1])
    assert {name: each["classes"] for name, each in before.items()} == {
        name: each["classes"] for name, each in after.items()
    }


def test_lists_of_voc_are_numbered_alike_though_one_lacks_a_class(small, tmp_path, capsys):
    name = (small / "ImageSets/Main/val.txt").read_text().strip()
    text = (small / f"Annotations/{name}.xml").read_text()
    (small / f"Annotations/{name}.xml").write_text(text.replace("WBC", "RBC").replace("Platelets", "RBC"))
    code, _, _ = said(capsys, "convert", small, "--to", "coco", "-o", tmp_path / "coco")
    assert code == 0
    for name in ("train", "val"):
        table = json.loads((tmp_path / f"coco/annotations/{name}.json").read_text())
        assert [each["name"] for each in table["categories"]] == ["RBC", "WBC"]


def test_convert_refuses_what_is_wrong_and_overwrites_nothing(small, spec, tmp_path, capsys):
    (tmp_path / "there").mkdir()
    (tmp_path / "there/file").touch()
    code, _, err = said(capsys, "convert", small, "--to", "coco", "-o", tmp_path / "there")
    assert code == 2
    assert err == f"{tmp_path}/there is there already, and stays: name another folder\n"
    code, _, err = said(capsys, "convert", small, "--to", "voc", "-o", tmp_path / "out", "--files", "refer")
    assert code == 1
    assert "voc has its images in its own folder" in err
    code, _, err = said(capsys, "convert", small, "--to", "voc", "-o", tmp_path / "out", "--only", "trian")
    assert code == 1
    assert "has no set 'trian' (did you mean 'train'?)" in err
    next((small / "JPEGImages").iterdir()).unlink()
    code, _, err = said(capsys, "convert", small, "--to", "voc", "-o", tmp_path / "out")
    assert code == 3
    assert "image files that do not exist" in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["check", "nowhere"], 3, "nowhere does not exist: give a spec"),
        (["check", "nowhere.toml"], 1, "nowhere.toml"),
        (["stats", "{small}", "seed=3"], 1, "KEY=VALUE changes a spec"),
        (["stats", "specdet:rpn.toml", "--classes", "a"], 1, "--classes is for sets of files"),
        (["stats", "specdet:bccd/rpn.toml", "data.root=/nowhere"], 3, "the folder /nowhere does not exist"),
    ],
)
def test_mistakes_are_sentences(small, capsys, arguments, code, text):
    got, out, err = said(capsys, *(each.format(small=small) for each in arguments))
    assert text in out + err
    assert got == code


def test_nothing_of_it_needs_torch(small, tmp_path):
    calls = [["check", small], ["stats", small], ["stats", "specdet:rpn.toml", "data.val.count=2", "--only", "val"],
             ["convert", small, "--to", "yolo", "-o", tmp_path / "out"]]  # fmt: skip
    script = (
        f"import sys\nfrom specdet.cli import main\nfor arguments in {[[*map(str, each)] for each in calls]}:\n"
        "    assert main(['data', *arguments]) == 0\n"
        "assert not {'torch', 'torchvision'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
