"""Folding against the layers themselves."""

import pytest
import torch
from torch import nn

from specdet.models.norm import conv_norm, norm_layer, set_statistics_fixed


@pytest.mark.parametrize("kind", ["BN", "FrozenBN", "SyncBN"])
@pytest.mark.parametrize("eps", [1e-5, 0.0])
def test_folding_gives_the_same_features_and_gradients(kind, eps):
    torch.manual_seed(0)
    conv, norm = nn.Conv2d(3, 6, 3, stride=2, padding=1, bias=False), norm_layer(kind, eps=eps)(6)
    for tensor in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
        nn.init.uniform_(tensor, 0.5, 1.5)
    set_statistics_fixed(norm)
    x = torch.randn(2, 3, 9, 11, requires_grad=True)
    folded, plain = conv_norm(x, conv, norm), norm(conv(x))
    torch.testing.assert_close(folded, plain, rtol=1e-5, atol=1e-5)
    weights = torch.randn_like(plain)
    leaves = [x, *conv.parameters(), *norm.parameters()]
    for mine, theirs in zip(
        torch.autograd.grad((folded * weights).sum(), leaves), torch.autograd.grad((plain * weights).sum(), leaves),
        strict=True,
    ):  # fmt: skip
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", ["BN", "GN"])
def test_what_depends_on_the_batch_is_not_folded(kind):
    torch.manual_seed(0)
    conv, norm = nn.Conv2d(3, 6, 1, bias=False), norm_layer(kind)(6)
    x = torch.randn(4, 3, 5, 5) * 3 + 1
    out = conv_norm(x, conv, norm)
    torch.testing.assert_close(out.mean(), torch.tensor(0.0), rtol=0, atol=1e-5)
    torch.testing.assert_close(out.var(correction=0), torch.tensor(1.0), rtol=0, atol=0.05)


def test_group_norm_takes_as_many_groups_as_divide_the_channels():
    assert [norm_layer("GN")(channels).num_groups for channels in (64, 48, 10)] == [32, 16, 2]


def test_one_value_a_channel_takes_the_running_statistics():
    torch.manual_seed(0)
    norm = norm_layer("BN")(4)
    assert norm is not None
    norm(torch.randn(8, 4, 3, 3))
    one, two = torch.randn(1, 4, 1, 1), torch.randn(2, 4, 1, 1)
    expected = nn.functional.batch_norm(one, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps)
    torch.testing.assert_close(norm(one), expected)
    torch.testing.assert_close(norm(two), nn.functional.batch_norm(two, None, None, training=True, eps=norm.eps))


def test_groups_of_one_channel_give_their_bias_where_there_is_one_cell():
    torch.manual_seed(0)
    norm = norm_layer("GN")(8)
    assert norm is not None
    nn.init.uniform_(norm.bias)
    x = torch.randn(2, 8, 3, 3)
    torch.testing.assert_close(norm(x), nn.functional.group_norm(x, 8, norm.weight, norm.bias, norm.eps))
    torch.testing.assert_close(norm(x[:1, :, :1, :1]), norm.bias[None, :, None, None])
