"""`specdet import-weights` on a small model."""

import json

import pytest
import torch
from safetensors.torch import load_file
from torchvision.models.detection import RetinaNet
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.ops.feature_pyramid_network import LastLevelP6P7

from specdet.cli import main

CLASSES = 4  # of torchvision, with background

SPEC = """
extends = ["specdet:rpn.toml"]
unset = ["eval", "hooks.checkpoint.keep_best"]
[model]
type = "RetinaNet"
[model.backbone]
type = "ResNet"
depth = 18
out_stages = [2, 3, 4]
[model.neck]
type = "FPN"
extra_levels = 2
extra_from = "output"
"""


@pytest.fixture(scope="module")
def theirs() -> dict[str, torch.Tensor]:
    backbone = resnet_fpn_backbone(
        backbone_name="resnet18",
        weights=None,
        returned_layers=[2, 3, 4],
        extra_blocks=LastLevelP6P7(256, 256),
        trainable_layers=5,
    )
    torch.manual_seed(0)
    network = RetinaNet(backbone, CLASSES)
    for value in network.state_dict().values():
        value.copy_(torch.rand_like(value, dtype=torch.float32))
    return network.state_dict()


@pytest.fixture
def files(tmp_path, theirs):
    (tmp_path / "spec.toml").write_text(SPEC)
    torch.save(theirs, tmp_path / "theirs.pth")
    return tmp_path


def test_there_and_back(files, theirs, capsys):
    ours, back = files / "ours.safetensors", files / "back.pth"
    spec = ["--spec", str(files / "spec.toml")]
    assert main(["import-weights", str(files / "theirs.pth"), *spec, "-o", str(ours)]) == 0
    said = capsys.readouterr().out
    assert "names of torchvision taken" in said and "taken    " not in said
    assert f"wrote {ours}: " in said and ", 3 classes" in said
    found = load_file(ours)
    assert torch.equal(found["neck.lateral_convs.0.weight"], theirs["backbone.fpn.inner_blocks.0.0.weight"])
    scores = theirs["head.classification_head.cls_logits.bias"].view(9, CLASSES)
    assert torch.equal(found["bbox_head.retina_cls.bias"], scores[:, 1:].flatten())
    assert found["backbone.bn1.num_batches_tracked"] == 0  # theirs is frozen and has none
    assert main(["import-weights", str(ours), *spec, "--to", "torchvision", "-o", str(back), "--all"]) == 0
    assert "taken    neck.lateral_convs.0.weight -> backbone.fpn.inner_blocks.0.0.weight" in capsys.readouterr().out
    returned = torch.load(back, weights_only=True)
    for name, tensor in theirs.items():
        if "cls_logits" not in name:
            assert torch.equal(returned[name], tensor), name
    assert torch.equal(returned["head.classification_head.cls_logits.bias"].view(9, CLASSES)[:, 1:], scores[:, 1:])


def test_what_does_not_fit_writes_nothing_unless_that_is_fine(files, theirs, capsys):
    wrong = {name: each for name, each in theirs.items() if name != "backbone.body.conv1.weight"}
    torch.save({**wrong, "backbone.body.stray": torch.zeros(1)}, files / "wrong.pth")
    out = files / "deep" / "ours.safetensors"
    arguments = ["import-weights", str(files / "wrong.pth"), "--spec", str(files / "spec.toml"), "-o", str(out)]
    assert main(arguments) == 1
    said = capsys.readouterr()
    assert "missing  backbone.conv1.weight" in said.out
    assert "skipped  backbone.body.stray: the model has no such part" in said.out
    assert "nothing was written; --loose writes what fits" in said.err and not out.exists()
    assert main([*arguments, "--loose", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["written"] == str(out) and not document["complete"]
    assert document["missing"] == ["backbone.conv1.weight"] and document["classes"] == 3
    assert ["backbone.body.bn1.weight", "backbone.bn1.weight"] in document["mapped"]
    assert "backbone.conv1.weight" not in load_file(out)


@pytest.mark.parametrize(
    ("source", "message"),
    [("none.pth", "does not exist"), ("Nothing_Weights.COCO_V1", "torchvision publishes no weights called")],
)
def test_a_source_that_is_not_there(files, monkeypatch, capsys, source, message):
    monkeypatch.chdir(files)
    assert main(["import-weights", source, "--spec", "spec.toml", "-o", "ours.safetensors"]) == 1
    assert message in capsys.readouterr().err


def test_another_models_weights_are_not_written_for_torchvision(files, capsys):
    code = main(
        ["import-weights", str(files / "theirs.pth"), "--spec", str(files / "spec.toml"),
         "--to", "torchvision", "-o", str(files / "back.pth")]
    )  # fmt: skip
    assert code == 1
    assert "does not hold the weights of this model" in capsys.readouterr().err
