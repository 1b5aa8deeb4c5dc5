"""The extra levels against torchvision's layers, and what they tell before they are built."""

import pytest
import torch
from torch.nn.functional import normalize
from torchvision.models.detection.ssdlite import _extra_block

from specdet.models.necks.spec import SSDExtraSpec
from specdet.models.necks.ssd_extra import SSDExtra
from specdet.models.norm import norm_layer
from specdet.spec import SpecError

SSDLITE = {"depthwise": True, "norm": "BN", "activation": "ReLU6"}


def test_a_level_of_ssdlite_is_torchvisions():
    torch.manual_seed(0)
    theirs = _extra_block(12, 16, norm_layer("BN"))
    theirs[2][1].weight.data.fill_(9.0)  # so that ReLU6 cuts
    ours = SSDExtra(
        SSDExtraSpec(channels=(16,), conv_strides=(2,), paddings=(1,), **SSDLITE), in_channels=(12,), in_strides=(16,)
    )
    ours.extra_layers[0].load_state_dict(theirs.state_dict())
    x = torch.randn(2, 12, 9, 7)
    levels = ours([x])
    torch.testing.assert_close(levels[1], theirs(x))
    assert levels[0] is x
    assert (levels[1] == 6).any()


def test_the_first_level_is_scaled_to_a_learnt_length_and_the_others_are_made_of_what_it_was():
    torch.manual_seed(0)
    fields = {"channels": (8,), "conv_strides": (2,), "paddings": (0,)}
    plain = SSDExtra(SSDExtraSpec(**fields), in_channels=(6,), in_strides=(8,))
    scaled = SSDExtra(SSDExtraSpec(l2_norm_scale=20.0, **fields), in_channels=(6,), in_strides=(8,))
    scaled.load_state_dict(plain.state_dict(), strict=False)
    x = torch.randn(2, 6, 9, 9)
    torch.testing.assert_close(scaled([x])[0], 20 * normalize(x))
    torch.testing.assert_close(scaled([x])[0].norm(dim=1), torch.full((2, 9, 9), 20.0))
    torch.testing.assert_close(scaled([x])[1], plain([x])[1])


def test_it_tells_its_channels_strides_and_sizes():
    spec = SSDExtraSpec()
    assert spec.channels_after((512, 1024)) == (512, 1024, 512, 256, 256, 256)
    assert spec.strides_after((8, 16)) == (8, 16, 32, 64, 64, 64)
    neck = SSDExtra(spec, in_channels=(4, 6), in_strides=(8, 16))
    assert neck.sizes_after(((38, 38), (19, 19))) == ((38, 38), (19, 19), (10, 10), (5, 5), (3, 3), (1, 1))
    levels = neck([torch.zeros(1, 4, 38, 38), torch.zeros(1, 6, 19, 19)])
    assert [each.shape[1] for each in levels] == [4, 6, 512, 256, 256, 256]
    assert [tuple(each.shape[2:]) for each in levels] == [(38, 38), (19, 19), (10, 10), (5, 5), (3, 3), (1, 1)]


@pytest.mark.parametrize("name", ["conv_strides", "paddings"])
def test_lists_of_other_lengths_are_problems(name):
    with pytest.raises(SpecError, match=f"{name}: has 1 items, but channels has 4"):
        SSDExtraSpec(**{name: (1,)})
