"""FPN against torchvision's with the same weights."""

from collections import OrderedDict

import pytest
import torch
from torch import nn
from torchvision.ops.feature_pyramid_network import FeaturePyramidNetwork, LastLevelMaxPool, LastLevelP6P7

from specdet.models.necks.build import build_neck
from specdet.models.necks.fpn import FPN
from specdet.models.necks.spec import FPNSpec

CHANNELS, STRIDES = (8, 12, 16), (8, 16, 32)


def features() -> list[torch.Tensor]:
    torch.manual_seed(0)
    sizes = ((20, 30), (10, 15), (5, 8))
    return [torch.randn(2, channels, *size) for channels, size in zip(CHANNELS, sizes, strict=True)]


def with_weights_of(theirs: FeaturePyramidNetwork, ours: FPN) -> FPN:
    renamed = {}
    for name, tensor in theirs.state_dict().items():
        name = name.replace("inner_blocks", "lateral_convs").replace("layer_blocks", "fpn_convs").replace(".0.", ".")
        renamed[name.replace("extra_blocks.p6", "fpn_convs.3").replace("extra_blocks.p7", "fpn_convs.4")] = tensor
    ours.load_state_dict(renamed)
    return ours


@pytest.mark.parametrize(
    ("fields", "extra"),
    [
        ({}, None),
        ({"extra_levels": 1}, LastLevelMaxPool()),
        ({"extra_levels": 2, "extra_from": "input", "relu_before_extra": True}, LastLevelP6P7(16, 10)),
        ({"extra_levels": 2, "extra_from": "output", "relu_before_extra": True}, LastLevelP6P7(10, 10)),
    ],
)
def test_levels_are_torchvisions(fields, extra):
    theirs = FeaturePyramidNetwork(CHANNELS, 10, extra_blocks=extra)
    ours = with_weights_of(theirs, FPN(FPNSpec(out_channels=10, **fields), in_channels=CHANNELS, in_strides=STRIDES))
    expected = list(theirs(OrderedDict(enumerate(features()))).values())
    levels = ours(features())
    assert ours.out_strides == (8, 16, 32, 64, 128)[: len(levels)]
    assert ours.out_channels == tuple(each.shape[1] for each in levels)
    for mine, its in zip(levels, expected, strict=True):
        torch.testing.assert_close(mine, its)


def test_without_relu_the_second_extra_level_sees_negative_values():
    torch.manual_seed(0)
    spec = FPNSpec(out_channels=4, extra_levels=2, extra_from="output")
    plain = FPN(spec, in_channels=CHANNELS, in_strides=STRIDES)
    levels = plain(features())
    torch.testing.assert_close(levels[4], plain.fpn_convs[4](levels[3]))


def test_levels_before_the_first_are_left_out():
    spec = FPNSpec(out_channels=4, start_level=1, extra_levels=1)
    neck = FPN(spec, in_channels=CHANNELS, in_strides=STRIDES)
    levels = neck(features())
    assert neck.out_strides == (16, 32, 64)
    assert [tuple(each.shape) for each in levels] == [(2, 4, 10, 15), (2, 4, 5, 8), (2, 4, 3, 4)]


@pytest.mark.parametrize(("norm", "kind"), [("BN", nn.BatchNorm2d), ("GN", nn.GroupNorm)])
def test_convolutions_with_norm_have_no_bias(norm, kind):
    neck = FPN(FPNSpec(out_channels=4, norm=norm), in_channels=CHANNELS, in_strides=STRIDES)
    assert sum(isinstance(each, kind) for each in neck.modules()) == 6
    assert all(each.bias is None for each in neck.modules() if isinstance(each, nn.Conv2d))


def test_a_list_of_necks_is_a_sequence_each_fed_by_the_last():
    specs = (FPNSpec(out_channels=4, start_level=1, extra_levels=1), FPNSpec(out_channels=6))
    neck, channels, strides = build_neck(specs, in_channels=CHANNELS, in_strides=STRIDES)
    assert isinstance(neck, nn.Sequential) and len(neck) == 2
    assert (channels, strides) == ((6, 6, 6), (16, 32, 64))
    assert [each.shape[1] for each in neck(features())] == [6, 6, 6]


def test_no_neck_gives_what_it_is_given():
    neck, channels, strides = build_neck(None, in_channels=CHANNELS, in_strides=STRIDES)
    given = features()
    assert neck(given) is given and (channels, strides) == (CHANNELS, STRIDES)


def test_a_neck_that_uses_nothing_is_refused():
    with pytest.raises(ValueError, match="start_level: 3 leaves none of 3 levels"):
        FPN(FPNSpec(start_level=3), in_channels=CHANNELS, in_strides=STRIDES)
