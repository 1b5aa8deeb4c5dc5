"""VGG against torchvision's layers, and what it tells before it is built."""

import pytest
import torch
from torch import nn
from torchvision.models.vgg import cfgs, make_layers

from specdet.models.backbones.vgg import VGG
from specdet.models.backbones.vgg_spec import VGGSpec
from specdet.spec import SpecError


@pytest.mark.parametrize("depth", [11, 13, 16, 19])
@pytest.mark.parametrize("dilated_fc", [True, False])
def test_channels_and_sizes_are_what_the_spec_tells(depth, dilated_fc):
    spec = VGGSpec(depth=depth, base_channels=4, out_stages=(1, 2, 3, 4, 5), dilated_fc=dilated_fc)
    levels = spec.build()(torch.zeros(1, 3, 51, 38))
    assert tuple(level.shape[1] for level in levels) == spec.out_channels
    sizes = [(-(-51 // stride), -(-38 // stride)) for stride in spec.out_strides]
    assert [tuple(level.shape[2:]) for level in levels] == sizes
    assert all((level >= 0).all() for level in levels)


def test_the_features_are_those_of_torchvisions_layers():
    torch.manual_seed(0)
    theirs = make_layers(cfgs["D"])[:16]  # to the end of stage 3
    ours = VGG(VGGSpec(out_stages=(3,)))
    ours.features.load_state_dict(theirs.state_dict())
    x = torch.randn(1, 3, 32, 48)
    torch.testing.assert_close(ours(x)[0], theirs(x))


def test_frozen_stages_stay():
    model = VGG(VGGSpec(base_channels=2, frozen_stages=2))
    frozen = {name for name, each in model.named_parameters() if not each.requires_grad}
    assert frozen == {f"features.{place}.{kind}" for place in (0, 2, 5, 7) for kind in ("weight", "bias")}


def test_weights_of_a_classifier_leave_the_two_layers_behind_to_chance(tmp_path):
    torch.manual_seed(0)
    layers = nn.ModuleDict({"features": make_layers([each if each == "M" else each // 16 for each in cfgs["D"]])})
    file = tmp_path / "vgg.pth"
    torch.save({**layers.state_dict(), "classifier.0.weight": torch.zeros(3, 3)}, file)
    model = VGG(VGGSpec(base_channels=4, weights_file=file))
    for name, value in layers.state_dict().items():
        assert torch.equal(model.state_dict()[name], value)
    whole = {f"backbone.{name}": value for name, value in model.state_dict().items()}
    torch.save({**whole, "neck.l2_norm.weight": torch.ones(2)}, file)
    again = VGG(VGGSpec(base_channels=4, weights_file=file))
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in model.state_dict().items())
    del whole["backbone.features.0.weight"]
    torch.save(whole, file)
    with pytest.raises(ValueError, match=r"missing: features\.0\.weight"):
        VGG(VGGSpec(base_channels=4, weights_file=file))


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"out_stages": (5, 4)}, "out_stages"),
        ({"depth": 11, "weights": "IMAGENET1K_FEATURES"}, "weights"),
        ({"base_channels": 8, "weights": "IMAGENET1K_V1"}, "base_channels"),
        ({"weights_file": "x.pth", "weights": "IMAGENET1K_V1"}, "weights_file"),
    ],
)
def test_fields_that_do_not_go_together_are_problems(fields, path):
    with pytest.raises(SpecError) as caught:
        VGGSpec(**fields)
    assert [problem.path for problem in caught.value.problems] == [path]
