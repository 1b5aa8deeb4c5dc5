"""MobileNetV3 against torchvision's, and what it tells before it is built."""

import pytest
import torch
from torchvision.models import mobilenet_v3_large, mobilenet_v3_small

from specdet.models.backbones.mobilenet import MobileNetV3
from specdet.models.backbones.mobilenet_spec import MobileNetV3Spec
from specdet.models.norm import norm_layer
from specdet.spec import SpecError

NETWORKS = {"large": mobilenet_v3_large, "small": mobilenet_v3_small}


@pytest.mark.parametrize("size", ["large", "small"])
@pytest.mark.parametrize("width", [0.25, 0.75, 1.0])
@pytest.mark.parametrize("reduced_tail", [True, False])
@pytest.mark.parametrize("features_of", ["block", "expansion"])
def test_channels_and_sizes_are_what_the_spec_tells(size, width, reduced_tail, features_of):
    stages = (2, 3, 4, 5) if (size, features_of) == ("small", "expansion") else (1, 2, 3, 4, 5)
    spec = MobileNetV3Spec(
        size=size, width=width, reduced_tail=reduced_tail, features_of=features_of, out_stages=stages
    )
    with torch.no_grad():
        levels = spec.build().eval()(torch.zeros(1, 3, 51, 70))
    assert tuple(level.shape[1] for level in levels) == spec.out_channels
    sizes = [(-(-51 // stride), -(-70 // stride)) for stride in spec.out_strides]
    assert [tuple(level.shape[2:]) for level in levels] == sizes


@pytest.mark.parametrize("size", ["large", "small"])
@torch.no_grad()
def test_features_are_torchvisions(size, tmp_path):
    torch.manual_seed(0)
    theirs = NETWORKS[size](weights=None, width_mult=0.5, norm_layer=norm_layer("BN", eps=1e-3, momentum=0.01)).eval()
    file = tmp_path / "weights.pth"
    torch.save(theirs.state_dict(), file)
    x = torch.randn(1, 3, 64, 96)
    for features_of in ("block", "expansion"):
        model = MobileNetV3(MobileNetV3Spec(size=size, width=0.5, weights_file=file, features_of=features_of)).eval()
        levels = list(model(x))
        expected, end = [], model.spec.layout.starts
        for stage in (3, 4):
            before = theirs.features[: end[stage - 1]](x)
            expected.append(before if features_of == "block" else theirs.features[end[stage - 1]].block[0](before))
        for mine, other in zip(levels, [*expected, theirs.features(x)], strict=True):
            torch.testing.assert_close(mine, other)


def test_nothing_is_made_that_no_level_needs(tmp_path):
    for features_of, last in (("block", "features.12."), ("expansion", "features.13.block.0.")):
        torch.manual_seed(0)
        whole = mobilenet_v3_large(weights=None, width_mult=0.25).state_dict()
        torch.save(whole, tmp_path / "weights.pth")
        spec = MobileNetV3Spec(
            width=0.25, out_stages=(3, 4), features_of=features_of, weights_file=tmp_path / "weights.pth"
        )
        model = MobileNetV3(spec)
        assert list(model.state_dict())[-1].startswith(last)
        sum(level.sum() for level in model(torch.randn(2, 3, 64, 64))).backward()
        assert all(each.grad is not None for each in model.parameters())


def test_frozen_stages_stay_and_so_do_their_statistics():
    model = MobileNetV3(MobileNetV3Spec(width=0.25, frozen_stages=2)).train()
    frozen = {int(name.split(".")[1]) for name, each in model.named_parameters() if not each.requires_grad}
    assert frozen == {0, 1, 2, 3}
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model(torch.randn(2, 3, 64, 64))
    changed = {int(name.split(".")[1]) for name, value in model.state_dict().items() if not value.equal(before[name])}
    assert changed == set(range(4, 17))


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"out_stages": (5, 4)}, "out_stages"),
        ({"size": "small", "features_of": "expansion", "out_stages": (1, 4)}, "out_stages"),
        ({"size": "small", "weights": "IMAGENET1K_V2"}, "weights"),
        ({"width": 0.5, "weights": "IMAGENET1K_V1"}, "width"),
        ({"reduced_tail": True, "weights": "IMAGENET1K_V1"}, "reduced_tail"),
        ({"norm": "GN", "weights": "IMAGENET1K_V1"}, "norm"),
        ({"weights_file": "x.pth", "weights": "IMAGENET1K_V1"}, "weights_file"),
    ],
)
def test_fields_that_do_not_go_together_are_problems(fields, path):
    with pytest.raises(SpecError) as caught:
        MobileNetV3Spec(**fields)
    assert [problem.path for problem in caught.value.problems] == [path]
