"""Networks of torchvision and timm as backbones."""

import copy
import sys

import pytest
import torch
from torchvision.models import get_model
from torchvision.models._utils import IntermediateLayerGetter

from specdet.models.backbones.borrowed import PROBE, stride_of
from specdet.models.backbones.spec import TimmSpec, TorchvisionSpec
from specdet.spec import SpecError

IMAGES = (2, 3, 64, 96)


def levels(backbone, images):
    backbone.eval()
    with torch.no_grad():
        return backbone(images)


@pytest.mark.parametrize(
    ("name", "channels"),
    [
        ("resnet18", (64, 128, 256, 512)),
        ("mobilenet_v3_small", (16, 24, 48, 576)),
        ("regnet_x_400mf", (32, 64, 160, 400)),
        ("shufflenet_v2_x0_5", (24, 48, 96, 1024)),
    ],
)
def test_networks_of_torchvision_give_their_pyramid(name, channels):
    backbone = TorchvisionSpec(name=name).build()
    assert (backbone.out_channels, backbone.out_strides) == (channels, (4, 8, 16, 32))
    found = levels(backbone, torch.randn(IMAGES))
    assert [tuple(level.shape) for level in found] == [
        (2, count, 64 // stride, 96 // stride) for count, stride in zip(channels, (4, 8, 16, 32), strict=True)
    ]


def test_features_are_those_of_the_whole_network_with_the_same_weights(tmp_path):
    torch.manual_seed(0)
    theirs = get_model("mobilenet_v3_small", weights=None).eval()
    torch.save(theirs.state_dict(), tmp_path / "w.pth")
    spec = TorchvisionSpec(
        name="mobilenet_v3_small", levels=("features.3", "features.12"), weights_file=tmp_path / "w.pth"
    )
    backbone, images = spec.build(), torch.randn(IMAGES)
    expected = IntermediateLayerGetter(theirs.features, {"3": "3", "12": "12"})(images)
    assert backbone.out_strides == (8, 32)
    for mine, its in zip(levels(backbone, images), expected.values(), strict=True):
        torch.testing.assert_close(mine, its)


def test_published_weights_come_from_torchs_hub_folder(tmp_path, monkeypatch):
    theirs = get_model("shufflenet_v2_x0_5", weights=None)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    torch.save(theirs.state_dict(), folder / "shufflenetv2_x0.5-f707e7126e.pth")
    backbone = TorchvisionSpec(name="shufflenet_v2_x0_5", weights="DEFAULT").build()
    name = "stage2.0.branch1.0.weight"
    assert torch.equal(backbone.network.cut.state_dict()[name], theirs.state_dict()[name])


@pytest.mark.parametrize("spec", [TorchvisionSpec(name="resnet18"), TimmSpec(name="resnet18")], ids=str)
def test_weights_that_do_not_fit_are_named(spec, tmp_path):
    file = tmp_path / "w.pth"
    torch.save(get_model("resnet34", weights=None).state_dict(), file)
    wrong = get_model("resnet18", weights=None).state_dict()
    wrong["layer1.0.conv1.weight"] = torch.zeros(1)
    del wrong["layer2.0.bn1.bias"]
    torch.save(wrong, file)
    with pytest.raises(ValueError, match=r"w\.pth: .*missing: .*layer2.0.bn1.bias; other shape: .*layer1.0.conv1"):
        type(spec)(name=spec.name, weights_file=file).build()


@pytest.mark.parametrize(("kind", "name"), [(TorchvisionSpec, "resnet18"), (TimmSpec, "resnet18")])
def test_frozen_levels_have_no_gradient_and_keep_their_statistics(kind, name):
    backbone = kind(name=name, frozen_levels=2).build().train()
    before = {name: each.clone() for name, each in backbone.named_buffers()}
    features = backbone(torch.randn(IMAGES))
    assert [each.requires_grad for each in features] == [False, False, True, True]
    kept = {name for name, each in backbone.named_buffers() if torch.equal(each, before[name])}
    fixed = {name for name in before if "layer3" not in name and "layer4" not in name}
    assert kept == fixed
    trained = {name for name, each in backbone.named_parameters() if each.requires_grad}
    assert trained == {name for name, _ in backbone.named_parameters() if "layer3" in name or "layer4" in name}


@pytest.mark.parametrize(("kind", "name"), [(TorchvisionSpec, "resnet18"), (TimmSpec, "resnet18")])
def test_norm_eval_keeps_all_statistics_but_trains(kind, name):
    backbone = kind(name=name, norm_eval=True).build().train()
    before = {name: each.clone() for name, each in backbone.named_buffers()}
    backbone(torch.randn(IMAGES))[-1].sum().backward()
    assert all(torch.equal(each, before[name]) for name, each in backbone.named_buffers())
    assert all(each.grad is not None for each in backbone.parameters())


def test_a_backbone_can_be_copied():
    backbone = TorchvisionSpec(name="mobilenet_v3_small").build()
    images = torch.randn(IMAGES)
    for mine, its in zip(levels(copy.deepcopy(backbone), images), levels(backbone, images), strict=True):
        assert torch.equal(mine, its)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": "resnet81"}, r"name: torchvision has no classification network 'resnet81' \(did you mean 'resnet18'"),
        ({"name": "fasterrcnn_resnet50_fpn"}, "name: torchvision has no classification network"),
        ({"name": "resnet18", "weights": "IMAGENET1K_V2"}, "weights: torchvision publishes no 'IMAGENET1K_V2'"),
        ({"name": "resnet18", "levels": ("layr2",)}, r"resnet18 has no module 'layr2' \(did you mean 'layer2'"),
        ({"name": "resnet18", "levels": ("layer2", "fc")}, "must be maps"),
        ({"name": "vit_b_16"}, "made for one size alone"),
        ({"name": "resnet18", "frozen_levels": 5}, "5 levels cannot be frozen, there are 4"),
    ],
)
def test_what_torchvision_does_not_have_is_told(fields, message):
    with pytest.raises(ValueError, match=message):
        TorchvisionSpec(**fields).build()


@pytest.mark.parametrize(
    ("name", "channels"),
    [
        ("resnet18", (64, 128, 256, 512)),
        ("dla34", (64, 128, 256, 512)),  # gives no level before the one it calls 1
        ("convnext_atto", (40, 80, 160, 320)),
        ("swin_tiny_patch4_window7_224", (96, 192, 384, 768)),  # made for one size unless told, channels last
    ],
)
def test_networks_of_timm_give_their_pyramid(name, channels):
    backbone = TimmSpec(name=name).build()
    assert (backbone.out_channels, backbone.out_strides) == (channels, (4, 8, 16, 32))
    found = levels(backbone, torch.randn(IMAGES))
    assert [tuple(level.shape) for level in found] == [
        (2, count, 64 // stride, 96 // stride) for count, stride in zip(channels, (4, 8, 16, 32), strict=True)
    ]


def test_a_plain_transformer_of_timm_gives_levels_of_one_stride():
    backbone = TimmSpec(name="vit_tiny_patch16_224").build()
    assert backbone.out_strides == (16, 16, 16)
    assert levels(backbone, torch.randn(IMAGES))[0].shape == (2, 192, 4, 6)


def test_timms_features_are_its_own_with_the_same_weights(tmp_path):
    timm = pytest.importorskip("timm")
    theirs = timm.create_model("convnext_atto", pretrained=False).eval()
    torch.save(theirs.state_dict(), tmp_path / "w.pth")
    backbone = TimmSpec(name="convnext_atto", out_indices=(1, 3), weights_file=tmp_path / "w.pth").build()
    images = torch.randn(IMAGES)
    expected = theirs.forward_intermediates(images, indices=[1, 3], intermediates_only=True)
    for mine, its in zip(levels(backbone, images), expected, strict=True):
        torch.testing.assert_close(mine, its)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": "resnset18"}, r"name: timm has no network 'resnset18' \(did you mean 'resnet18'"),
        ({"name": "resnet18", "out_indices": (1, 9)}, r"no level 9 of it; there are 0 \(stride 2\), 1 \(stride 4\)"),
    ],
)
def test_what_timm_does_not_have_is_told(fields, message):
    with pytest.raises(ValueError, match=message):
        TimmSpec(**fields).build()


def test_weights_that_timm_cannot_fetch_are_told(monkeypatch):
    timm = pytest.importorskip("timm")
    create = timm.create_model

    def offline(*arguments, pretrained, **options):
        if pretrained:
            raise OSError("no network")
        return create(*arguments, **options)

    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.raises(ValueError, match=r"resnet18: the weights .* \(OSError: no network\); .* weights_file"):
        TimmSpec(name="resnet18", weights="pretrained").build()


def test_a_missing_timm_is_what_the_machine_lacks(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(SpecError, match=r"pip install 'specdet\[timm\]'") as caught:
        TimmSpec(name="resnet18").build()
    assert [problem.kind for problem in caught.value.problems] == ["environment"]


@pytest.mark.parametrize(
    ("kind", "fields", "path"),
    [
        (TorchvisionSpec, {"weights": "DEFAULT", "weights_file": "w.pth"}, "weights_file"),
        (TimmSpec, {"weights": "pretrained", "weights_file": "w.pth"}, "weights_file"),
        (TimmSpec, {"out_indices": (2, 1)}, "out_indices"),
        (TimmSpec, {"out_indices": (1, 2), "frozen_levels": 3}, "frozen_levels"),
    ],
)
def test_fields_that_do_not_go_together(kind, fields, path):
    with pytest.raises(SpecError) as caught:
        kind(name="resnet18", **fields)
    assert [problem.path for problem in caught.value.problems] == [path]


@pytest.mark.parametrize(
    ("shape", "stride"),
    [
        ((1, 16, 64, 80), 4),
        ((1, 64, 80, 96), 4),  # channels last, although 80 x 96 is nearly of the same proportions
        ((1, 16, 7, 9), 32),
        ((1, 16, 7, 7), None),
        ((1, 16, 1, 1), None),
        ((1, 16), None),
    ],
)
def test_maps_are_told_by_the_proportions_of_the_image(shape, stride):
    assert PROBE == (256, 320)
    assert stride_of(shape) == stride
