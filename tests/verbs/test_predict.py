import contextlib
import csv
import io
import json
import shutil
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from specdet.cli import main


def test_the_results_measured_by_coco_are_those_of_eval(trained, tmp_path, capsys):
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    out = tmp_path / "out"
    arguments = ["predict", str(trained.run), str(trained.images), "--annotations", str(trained.annotations)]
    assert main([*arguments, "--no-pictures", "-o", str(out)]) == 0
    assert "in 5 images" in capsys.readouterr().out
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(trained.annotations))
        counting = COCOeval(truth, truth.loadRes(str(out / "results.json")), "bbox")
        counting.params.useCats = 0
        counting.params.maxDets = [100, 300, 1000]
        counting.evaluate()
        counting.accumulate()
    recall = counting.eval["recall"][:, 0, 0]  # (thresholds, limits), objects of all areas
    for place, limit in enumerate((100, 300, 1000)):
        assert recall[:, place].mean() == pytest.approx(trained.metrics[f"proposal/AR@{limit}"], abs=1e-12)


def test_pictures_and_tables_are_written_and_a_bad_file_is_told_and_skipped(trained, tmp_path, capsys):
    images = shutil.copytree(trained.images, tmp_path / "images")
    (images / "text.jpg").write_text("no image")
    (images / "half.png").write_bytes((images / "0.png").read_bytes()[:3000])
    out = tmp_path / "out"
    assert main(["predict", str(trained.run), str(images), "-o", str(out), "--min-score", "0.05", "--batch", "2"]) == 1
    said = capsys.readouterr()
    assert f"{images}/text.jpg: the image cannot be decoded" in said.err
    assert f"{images}/half.png: the image cannot be decoded" in said.err
    assert "Traceback" not in said.err
    pictures = sorted(path.relative_to(out / "pictures").as_posix() for path in out.rglob("*.jpg"))
    assert pictures == ["0.jpg", "1.jpg", "3.jpg", "4.jpg", "more/2.jpg"]
    with Image.open(out / "pictures/0.jpg") as picture:
        assert picture.size == (512, 512)
        drawn = np.asarray(picture).astype(int)
    with Image.open(images / "0.png") as image:
        plain = np.asarray(image.resize((512, 512), Image.Resampling.NEAREST)).astype(int)
    assert (np.abs(drawn - plain).max(axis=2) > 60).mean() > 0.001  # something is drawn
    rows = [*csv.DictReader((out / "detections.csv").read_text().splitlines())]
    results = json.loads((out / "results.json").read_text())
    assert len(rows) == len(results) > 0
    assert min(each["score"] for each in results) >= 0.05
    names = {each["id"]: each["file_name"] for each in json.loads((out / "images.json").read_text())["images"]}
    assert [names[each["image_id"]] for each in results] == [row["image"] for row in rows]


def test_a_video_is_looked_at_frame_by_frame(trained, tmp_path, capsys):
    from specdet.inference.video import VideoReader, VideoWriter

    clip, out = tmp_path / "clip.mp4", tmp_path / "out"
    writer = VideoWriter(clip, rate=Fraction(8))
    for number in (0, 1, 3, 4):
        writer.add(Image.open(trained.images / f"{number}.png"))
    writer.close()
    assert main(["predict", str(trained.run), str(clip), "-o", str(out), "--every", "2"]) == 0
    images = json.loads((out / "images.json").read_text())["images"]
    assert [(each["file_name"], each["frame"]) for each in images] == [("clip.mp4", 0), ("clip.mp4", 2)]
    drawn = VideoReader(out / "pictures/clip.mp4")
    assert (drawn.rate, len([*drawn])) == (4, 2)
    clip.write_text("no video")
    assert main(["predict", str(trained.run), str(clip), str(trained.images / "0.png"), "-o", str(tmp_path / "b")]) == 1
    assert "clip.mp4: not a video that can be read" in capsys.readouterr().err
    assert (tmp_path / "b/pictures/0.jpg").exists()


def test_nothing_is_overwritten_unless_that_is_asked_for(trained, tmp_path, capsys):
    image, out = str(trained.images / "0.png"), tmp_path / "out"
    out.mkdir()
    (out / "results.json").write_text("mine")
    assert main(["predict", str(trained.run), image, "-o", str(out)]) == 1
    assert (out / "results.json").read_text() == "mine"
    assert "is not empty" in capsys.readouterr().err
    assert main(["predict", str(trained.run), image, "-o", str(out), "--force"]) == 0
    assert json.loads((out / "results.json").read_text())


def test_a_class_is_called_by_its_name(classes_weights, trained, tmp_path):
    weights, spec = classes_weights
    out = tmp_path / "out"
    arguments = ["predict", str(weights), "--spec", str(spec), str(trained.images / "0.png"), "-o", str(out)]
    assert main([*arguments, "--annotations", str(trained.annotations)]) == 0
    names = {row["name"] for row in csv.DictReader((out / "detections.csv").read_text().splitlines())}
    assert names <= {"ellipse", "rectangle", "triangle"} and names
    results = json.loads((out / "results.json").read_text())
    assert {each["category_id"] for each in results} <= {5, 6, 7}
    assert {each["image_id"] for each in results} == {70}


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (["nowhere.jpg"], 1, "nowhere.jpg does not exist"),
        (["."], 1, ". has no image in it"),
        (["IMAGE", "--min-score", "2"], 2, "--min-score is from 0 to 1"),
        (["IMAGE", "--batch", "0"], 2, "--batch must be at least 1"),
        (["IMAGE", "--device", "gpu"], 1, "device 'gpu' cannot be used here"),
        (["IMAGE", "--set", "model.test.nms_pots=1"], 1, "did you mean 'nms_post'"),
        (["IMAGE", "--annotations", "none.json"], 3, "none.json does not exist"),
    ],
)
def test_wrong_input_is_a_sentence(trained, tmp_path, monkeypatch, capsys, more, code, said):
    monkeypatch.chdir(tmp_path)
    given = [str(trained.images / "0.png") if each == "IMAGE" else each for each in more]
    assert main(["predict", str(trained.run), *given, "-o", "out"]) == code
    assert said in capsys.readouterr().err


def test_images_that_the_annotations_lack_are_told(trained, tmp_path, capsys):
    other = tmp_path / "other.png"
    shutil.copy(trained.images / "0.png", other)
    arguments = ["predict", str(trained.run), str(other), str(trained.images / "1.png"), "-o", str(tmp_path / "out")]
    assert main([*arguments, "--annotations", str(trained.annotations)]) == 1
    assert "other.png: the annotations have no image of this name" in capsys.readouterr().err
    results = json.loads((tmp_path / "out/results.json").read_text())
    assert {each["image_id"] for each in results} == {71}
