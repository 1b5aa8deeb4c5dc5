"""What is said of detectors that cannot be opened, and which checkpoint is meant."""

import shutil

import attrs
import pytest

from specdet.inference.trained import open_trained
from specdet.runner.checkpoint import write_manifest
from specdet.runs.files import write_json
from specdet.spec import SpecError


def copy_of(trained, tmp_path):
    return shutil.copytree(trained.run, tmp_path / trained.run.name)


def test_a_run_means_its_last_checkpoint_and_says_which_is_the_best(trained, tmp_path):
    run = copy_of(trained, tmp_path)
    opened = open_trained(run)
    assert opened.checkpoint == run / "checkpoints/iter_00000024"
    assert opened.classes == ("ellipse", "rectangle", "triangle")
    assert opened.class_names == ("object",)
    write_json(run / "checkpoints/best.json", {"checkpoint": "iter_00000012"})
    assert open_trained(run).note == "the best of the run by its metric is iter_00000012: --best takes that"
    best = open_trained(run, best=True)
    assert best.checkpoint == run / "checkpoints/iter_00000012"
    assert best.note == ""
    (run / "checkpoints/best.json").unlink()
    with pytest.raises(SpecError, match="does not tell which checkpoint is the best"):
        open_trained(run, best=True)


def test_half_a_checkpoint_is_told_and_a_run_goes_back_to_a_whole_one(trained, tmp_path):
    run = copy_of(trained, tmp_path)
    last = run / "checkpoints/iter_00000024"
    (last / "ema.safetensors").unlink()
    with pytest.raises(SpecError, match=r"not a whole checkpoint: ema.safetensors is missing"):
        open_trained(last)
    opened = open_trained(run)
    assert opened.checkpoint == run / "checkpoints/iter_00000018"
    assert "iter_00000024 is passed over: ema.safetensors is missing" in opened.note
    for folder in (run / "checkpoints").glob("iter_*"):
        (folder / "manifest.json").unlink()
    with pytest.raises(SpecError, match=r"checkpoints has no whole checkpoint$"):
        open_trained(run)


def test_an_older_checkpoint_takes_the_names_of_its_spec(trained, tmp_path):
    run = copy_of(trained, tmp_path)
    last = run / "checkpoints/iter_00000024"
    for name in ("classes.json", "spec.toml"):
        (last / name).unlink()
    write_manifest(last, serial=4)
    opened = open_trained(last)  # the run's own spec stands in
    assert opened.classes == ("ellipse", "rectangle", "triangle")
    opened.build()
    (run / "spec.toml").unlink()
    with pytest.raises(SpecError, match=r"has no spec.toml: say of which spec its model is"):
        open_trained(last)


def test_classes_without_names_are_numbered(classes_weights):
    weights, spec = classes_weights
    opened = open_trained(weights, spec=spec)
    nameless = attrs.evolve(opened, classes=())
    with pytest.raises(SpecError, match=r"model.num_classes: nothing tells which classes .* model.num_classes=80"):
        nameless.build()
    said = open_trained(weights, spec=spec, overrides=["model.num_classes=3"])
    assert attrs.evolve(said, classes=()).class_names == ("class 0", "class 1", "class 2")
    assert nameless.named(("a", "b", "c")).class_names == ("a", "b", "c")
    assert opened.named(("a", "b", "c")).class_names == ("ellipse", "rectangle", "triangle")


def test_weights_of_another_model_are_told(trained, classes_weights):
    weights, spec = classes_weights
    with pytest.raises(SpecError, match=r"the weights do not fit RPN. missing: .*rpn_head"):
        open_trained(weights, spec=trained.run / "spec.toml").build()
    with pytest.raises(SpecError, match=r"the weights do not fit .* other shape: bbox_head"):
        open_trained(weights, spec=spec, overrides=["model.bbox_head.feat_channels=32"]).build()


def test_what_is_no_detector_is_told(trained, tmp_path, monkeypatch):
    monkeypatch.setenv("SPECDET_RUNS", str(trained.run.parent))
    file = tmp_path / "weights.safetensors"
    file.write_text("no weights")
    with pytest.raises(SpecError, match="is a file of weights alone: say of which spec its model is"):
        open_trained(file)
    with pytest.raises(SpecError, match="cannot be read as weights"):
        open_trained(file, spec=trained.run / "spec.toml").build()
    with pytest.raises(SpecError, match="nowhere does not exist"):
        open_trained(tmp_path / "nowhere")
    with pytest.raises(SpecError, match=r"no run in .* is meant by 'nowhere'"):
        open_trained("nowhere")
    with pytest.raises(SpecError, match="has no whole checkpoint"):
        open_trained(tmp_path)
    with pytest.raises(SpecError, match="is no run, of which the best checkpoint could be taken"):
        open_trained(trained.checkpoint, best=True)


def test_averaged_weights_that_are_not_there_are_told(trained, tmp_path):
    run = copy_of(trained, tmp_path)
    last = run / "checkpoints/iter_00000024"
    (last / "ema.safetensors").unlink()
    write_manifest(last, serial=4)
    assert open_trained(last).weights.name == "model.safetensors"
    with pytest.raises(SpecError, match="has no averaged weights"):
        open_trained(last, weights="ema")
