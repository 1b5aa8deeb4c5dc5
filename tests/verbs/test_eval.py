import json
import shutil

import pytest

from specdet.cli import main
from tests.processes import finished, launched


def test_the_numbers_are_those_of_the_trainings_last_evaluation(trained, capsys, tmp_path):
    output = tmp_path / "metrics.json"
    assert main(["eval", str(trained.run), "--json", "-o", str(output)]) == 0
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert document["metrics"] == pytest.approx(trained.metrics, abs=1e-12)
    assert document["images"] == 5
    assert document["checkpoint"] == str(trained.checkpoint)
    assert document["weights"] == "ema.safetensors"
    assert json.loads(output.read_text()) == document
    assert said.err.startswith(f"{trained.checkpoint}/ema.safetensors")


def test_people_get_a_table(trained, capsys):
    assert main(["eval", str(trained.checkpoint)]) == 0
    said = capsys.readouterr().out
    assert "proposal/AR@1000" in said
    assert f"{trained.metrics['proposal/AR@100']:.3f}" in said


def test_other_data_and_other_settings_are_said_on_the_command_line(trained, capsys):
    files = [f"data.val.images={trained.images}", f"data.val.annotations={trained.annotations}"]
    assert main(["eval", str(trained.run), "data.val.type=Coco", *files, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"] == pytest.approx(trained.metrics, abs=1e-12)
    assert main(["eval", str(trained.run), "--data", "train", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["data"], document["images"]) == ("data.train", 24)
    assert document["metrics"] != trained.metrics


def test_two_processes_measure_the_same(trained):
    done = finished(launched("-m", "specdet.cli", "eval", str(trained.run), "--json", processes=2))
    assert json.loads(done.stdout)["metrics"] == pytest.approx(trained.metrics, abs=2e-2)  # batches are others
    assert done.stderr.count("ema.safetensors") == 1


def test_data_with_other_classes_is_refused_instead_of_measuring_nothing(classes_weights, trained, capsys, tmp_path):
    weights, spec = classes_weights
    files = [f"data.val.images={trained.images}", f"data.val.annotations={trained.annotations}"]
    arguments = ["eval", str(weights), "--spec", str(spec)]
    coco = ["data.val.type=Coco", *files]
    assert main([*arguments, *coco]) == 0
    table = json.loads(trained.annotations.read_text())
    table["categories"][0]["name"] = "blob"
    other = tmp_path / "other.json"
    other.write_text(json.dumps(table))
    capsys.readouterr()
    assert main([*arguments, *coco, f"data.val.annotations={other}"]) == 1
    said = capsys.readouterr().err
    assert "data.val: has the classes blob, rectangle, triangle, but the detector was trained with ellipse" in said
    assert "it lacks ellipse" in said
    reverse = "data.val.classes=['triangle', 'rectangle', 'ellipse']"
    assert main([*arguments, *coco, reverse]) == 1


def test_what_is_missing_is_told(trained, capsys, tmp_path):
    there = tmp_path / "there.json"
    there.write_text("mine")
    assert main(["eval", str(trained.run), "-o", str(there)]) == 2
    assert there.read_text() == "mine"
    assert "is there already, and stays" in capsys.readouterr().err
    assert main(["eval", str(trained.run), f"data.root={tmp_path}/nowhere"]) == 3
    assert "nowhere does not exist" in capsys.readouterr().err
    assert main(["eval", str(trained.run), "~data.val", "~eval.proposal", "~hooks.evaluate",
                 "~hooks.checkpoint.keep_best"]) == 1  # fmt: skip
    assert "data.val: is missing" in capsys.readouterr().err
    assert main(["eval", str(trained.run), "~eval.proposal", "~hooks.checkpoint.keep_best"]) == 1
    assert "eval: says nothing to measure: add an evaluator" in capsys.readouterr().err
    assert main(["eval", str(tmp_path)]) == 1
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("workers", [0, 1])
def test_an_image_that_cannot_be_read_is_named(trained, capsys, tmp_path, workers):
    images = shutil.copytree(trained.images, tmp_path / "images")
    (images / "3.png").write_bytes((images / "3.png").read_bytes()[:2000])
    files = [f"data.val.images={images}", f"data.val.annotations={trained.annotations}"]
    coco = ["data.val.type=Coco", *files, f"data.workers_per_device={workers}"]
    assert main(["eval", str(trained.run), *coco]) == 3
    said = capsys.readouterr().err.splitlines()
    assert said[-1].startswith(f"{images}/3.png: the image cannot be decoded")
    assert "Traceback" not in "".join(said)
