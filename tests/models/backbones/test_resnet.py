"""ResNet against torchvision's with the same weights."""

import pytest
import torch
from torch import nn
from torchvision.models import get_model, get_model_weights
from torchvision.models._utils import IntermediateLayerGetter

from specdet.models.backbones.resnet import ResNet
from specdet.models.backbones.spec import ResNetSpec, ResNeXtSpec
from specdet.spec import Published, SpecError
from tests.models.weights.serving import serving


def shaken(depth: int) -> nn.Module:
    """torchvision's network with statistics and scales that are not those of the start."""
    torch.manual_seed(0)
    network = get_model(f"resnet{depth}", weights=None)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight, module.bias, module.running_mean, module.running_var):
                nn.init.uniform_(tensor, 0.5, 1.0)
    return network


@pytest.mark.parametrize(("depth", "norm"), [(18, "BN"), (50, "BN"), (50, "FrozenBN")])
def test_features_are_torchvisions_with_the_same_weights(depth, norm, tmp_path):
    theirs = shaken(depth)
    torch.save(theirs.state_dict(), tmp_path / "weights.pth")
    spec = ResNetSpec(depth=depth, norm=norm, norm_eval=True, weights_file=tmp_path / "weights.pth")
    ours = ResNet(spec)
    images = torch.randn(2, 3, 64, 96)
    layers = IntermediateLayerGetter(theirs.eval(), {f"layer{stage}": str(stage) for stage in range(1, 5)})
    with torch.no_grad():
        features, expected = ours(images), list(layers(images).values())
    assert [each.shape[1] for each in features] == list(ours.out_channels)
    assert [96 // each.shape[3] for each in features] == list(ours.out_strides)
    for mine, its in zip(features, expected, strict=True):
        torch.testing.assert_close(mine, its, rtol=1e-4, atol=1e-4 * its.abs().max().item())


@pytest.mark.parametrize("depth", [18, 34, 50, 101, 152])
def test_names_and_shapes_are_torchvisions(depth):
    with torch.device("meta"):
        ours, theirs = ResNet(ResNetSpec(depth=depth)).state_dict(), get_model(f"resnet{depth}").state_dict()
    expected = {name: each.shape for name, each in theirs.items() if not name.startswith("fc.")}
    assert {name: each.shape for name, each in ours.items()} == expected


@pytest.mark.parametrize(
    ("spec", "theirs"),
    [
        (ResNeXtSpec(depth=50), "resnext50_32x4d"),
        (ResNeXtSpec(depth=101, width_per_group=8), "resnext101_32x8d"),
        (ResNeXtSpec(depth=101, groups=64), "resnext101_64x4d"),
        (ResNetSpec(depth=50, width_per_group=128), "wide_resnet50_2"),
        (ResNetSpec(depth=101, width_per_group=128), "wide_resnet101_2"),
    ],
)
def test_wider_and_grouped_networks_are_torchvisions(spec, theirs):
    with torch.device("meta"):
        ours, expected = ResNet(spec).state_dict(), get_model(theirs).state_dict()
    assert {name: each.shape for name, each in ours.items()} == {
        name: each.shape for name, each in expected.items() if not name.startswith("fc.")
    }
    weights = [str(each) for each in get_model_weights(theirs)]
    assert f"{spec.published_name}_Weights.IMAGENET1K_V1" in weights


def test_the_stride_of_caffes_style_lies_in_the_first_convolution():
    torch.manual_seed(0)
    network = ResNet(ResNetSpec(depth=50, base_channels=8, style="caffe", out_stages=(1, 2))).eval()
    block, x = network.layer2[0], torch.randn(1, 32, 9, 9)
    expected = x[:, :, ::2, ::2]  # a 1x1 convolution of stride 2 sees every other pixel
    for conv, norm in ((block.conv1, block.bn1), (block.conv2, block.bn2), (block.conv3, block.bn3)):
        expected = norm(nn.functional.conv2d(expected, conv.weight, padding=conv.padding))
        expected = expected if conv is block.conv3 else expected.relu()
    shortcut = block.downsample[1](nn.functional.conv2d(x[:, :, ::2, ::2], block.downsample[0].weight))
    torch.testing.assert_close(block(x), (expected + shortcut).relu())
    plain = ResNet(ResNetSpec(depth=50, base_channels=8, out_stages=(1, 2)))
    assert (plain.layer2[0].conv1.stride, plain.layer2[0].conv2.stride) == ((1, 1), (2, 2))


def test_resnext_has_bottlenecks():
    with pytest.raises(SpecError, match="depth: ResNeXt has bottleneck blocks"):
        ResNeXtSpec(depth=18)


@pytest.mark.parametrize("frozen", [-1, 0, 2, 4])
def test_frozen_stages_have_no_gradient_and_keep_their_statistics(frozen):
    network = ResNet(ResNetSpec(depth=18, base_channels=8, frozen_stages=frozen)).train()
    before = {name: each.clone() for name, each in network.named_buffers()}
    features = network(torch.randn(2, 3, 64, 64))
    parts = [("conv1.", "bn1."), *((f"layer{stage}.",) for stage in range(1, 5))]
    fixed = tuple(name for part in parts[: frozen + 1] for name in part)
    assert {name for name, each in network.named_parameters() if not each.requires_grad} == {
        name for name, _ in network.named_parameters() if name.startswith(fixed) and fixed
    }
    assert [each.requires_grad for each in features] == [stage > frozen for stage in range(1, 5)]
    for name, value in network.named_buffers():
        if name.endswith("running_mean"):
            assert torch.equal(value, before[name]) == (bool(fixed) and name.startswith(fixed)), name


def test_norm_eval_keeps_statistics_but_trains_scales():
    network = ResNet(ResNetSpec(depth=18, base_channels=8, norm_eval=True, zero_init_residual=False)).train()
    network(torch.randn(2, 3, 32, 32))[-1].sum().backward()
    assert network.bn1.running_mean.abs().sum() == 0
    assert network.layer4[1].bn2.weight.grad.abs().sum() > 0


def test_blocks_start_as_the_identity_if_wanted():
    zeroed, plain = (ResNet(ResNetSpec(depth=50, base_channels=8, zero_init_residual=each)) for each in (True, False))
    assert zeroed.layer2[1].bn3.weight.abs().sum() == 0 < plain.layer2[1].bn3.weight.abs().sum()
    frozen = ResNet(ResNetSpec(depth=18, base_channels=8, norm="FrozenBN"))
    assert (frozen.layer2[1].bn2.weight == 1).all()


def test_what_is_not_given_is_not_built(tmp_path):
    theirs = shaken(18)
    torch.save({"state_dict": {f"backbone.{k}": v for k, v in theirs.state_dict().items()}}, tmp_path / "weights.pth")
    network = ResNet(ResNetSpec(depth=18, out_stages=(1, 3), weights_file=tmp_path / "weights.pth"))
    assert not hasattr(network, "layer4")
    assert network.out_channels == (64, 256) and network.out_strides == (4, 16)
    assert torch.equal(network.layer3[1].conv2.weight, theirs.layer3[1].conv2.weight)


def test_published_weights_come_from_torchs_hub_folder(tmp_path, monkeypatch):
    theirs = shaken(18)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    torch.save(theirs.state_dict(), tmp_path / "hub" / "checkpoints" / "resnet18-f37072fd.pth")
    network = ResNet(ResNetSpec(depth=18, weights="IMAGENET1K_V1"))
    assert torch.equal(network.layer4[1].bn2.running_var, theirs.layer4[1].bn2.running_var)


def test_weights_come_from_an_address(tmp_path, monkeypatch):
    theirs = shaken(18)
    torch.save(theirs.state_dict(), tmp_path / "weights.pth")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with serving((tmp_path / "weights.pth").read_bytes()) as served:
        network = ResNet(ResNetSpec(depth=18, weights_file=Published(f"{served.address}/weights.pth")))
    assert torch.equal(network.layer4[1].conv2.weight, theirs.layer4[1].conv2.weight)


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"depth": 18, "weights": "IMAGENET1K_V2"}, "weights"),
        ({"weights": "IMAGENET1K_V1", "base_channels": 32}, "base_channels"),
        ({"weights": "IMAGENET1K_V1", "norm": "GN"}, "norm"),
        ({"weights": "IMAGENET1K_V1", "weights_file": "w.pth"}, "weights_file"),
        ({"out_stages": (2, 1)}, "out_stages"),
        ({"depth": 34, "style": "caffe"}, "style"),
        ({"depth": 34, "groups": 32}, "groups"),
        ({"base_channels": 8, "width_per_group": 4}, "width_per_group"),
        ({"weights": "IMAGENET1K_V1", "style": "caffe"}, "style"),
        ({"weights": "IMAGENET1K_V1", "groups": 8}, "weights"),
        ({"depth": 101, "weights": "IMAGENET1K_V2", "groups": 64, "width_per_group": 4}, "weights"),
        ({"out_stages": (0,)}, "out_stages.0"),
    ],
)
def test_what_cannot_work_is_said_at_its_field(fields, path):
    with pytest.raises(SpecError) as caught:
        ResNetSpec(**fields)
    assert [problem.path for problem in caught.value.problems] == [path]
