import numpy as np
import pytest
import torch

import specdet
from specdet.cli import main
from specdet.data.build import build_dataset
from specdet.data.collate import collate
from specdet.data.proposals import read_proposals
from specdet.experiment import load


@pytest.fixture(scope="module")
def stored(trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("proposals")
    files = {role: folder / f"{role}.safetensors" for role in ("train", "val")}
    for role, file in files.items():
        assert main(["proposals", str(trained.run), "--data", role, "-o", str(file)]) == 0
    return files


def test_the_file_holds_what_the_detector_finds(trained, stored):
    proposals = read_proposals(stored["val"])
    assert len(proposals.places) == 5
    found = specdet.Predictor(trained.run)(trained.images / "0.png")
    own = proposals.of(0)[: len(found)]
    np.testing.assert_allclose(own, found.boxes.numpy(), rtol=1e-4, atol=1e-2)


def test_a_batch_brings_them(trained, stored):
    data = load(trained.run / "spec.toml").data
    dataset = build_dataset(
        data.train, transforms={}, seed=0, training=True, proposals=stored["train"], path="data.train"
    )
    batch = collate([dataset[0, 0], dataset[0, 1]], size_divisor=32)
    assert batch.proposals is not None
    assert batch.proposals.shape == (2, dataset.proposals.slots, 4)
    inside = (batch.proposals >= 0) & (batch.proposals <= 128)
    assert bool(inside.all())
    assert torch.unique(batch.proposals[0], dim=0).shape[0] > 10


def test_fast_rcnn_is_trained_and_evaluated_on_them(trained, stored, tmp_path, capsys):
    from small_training import run_of, train

    spec = tmp_path / "fast.toml"
    spec.write_text(
        f"""
extends = ["specdet:rpn.toml"]
unset = ["eval.proposal", "hooks.checkpoint.keep_best", "train.max_epochs"]
name = "fast"
[model]
type = "FastRCNN"
backbone = {{ type = "ResNet", depth = 18, base_channels = 8, norm = "GN", out_stages = [2, 3, 4] }}
neck = {{ type = "FPN", out_channels = 16 }}
train.roi.sampler = {{ type = "Random", num = 32, pos_fraction = 0.25 }}
roi_head.bbox_head.fc_channels = 32
[data]
images_per_device = 4
workers_per_device = 0
train = {{ count = 24 }}
val = {{ count = 5 }}
train_proposals = "{stored["train"]}"
val_proposals = "{stored["val"]}"
max_proposals = 50
[train]
max_iters = 2
[schedule]
warmup_iters = 1
[eval.bbox]
type = "CocoBox"
"""
    )
    assert main(["check", "--data", str(spec)]) == 0
    done = train(tmp_path, str(spec), "hooks.evaluate.every.epochs=1")
    assert done.returncode == 0, done.stderr
    capsys.readouterr()
    assert main(["eval", str(run_of(tmp_path))]) == 0
    assert "bbox/AP" in capsys.readouterr().out
    assert main(["eval", str(run_of(tmp_path)), "data.val.seed=9"]) == 1
    assert "data.val_proposals" in (said := capsys.readouterr().err)
    assert "was made for other images: 5 of 5 differ" in said


def test_what_is_there_stays(trained, stored, tmp_path, capsys):
    before = stored["val"].read_bytes()
    assert main(["proposals", str(trained.run), "--data", "val", "-o", str(stored["val"])]) == 2
    assert stored["val"].read_bytes() == before
    assert main(["proposals", str(trained.run), "--data", "val", "-o", str(tmp_path / "no/where.safetensors")]) == 2
    assert f"{tmp_path}/no is no folder" in capsys.readouterr().err
