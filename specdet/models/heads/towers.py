"""The convolutions before the last one of dense heads, shared by all levels."""

import math

from torch import Tensor, nn
from torch.nn.functional import relu

from specdet.models.norm import norm_layer


class Tower(nn.ModuleList):
    """3x3 convolutions, each with its normalisation and a ReLU; (N, C, H, W) to (N, channels, H, W).

    A convolution stands in the list alone, or in an `nn.Sequential` with its normalisation.

    Args:
        in_channels, channels: Of what is given, and of every convolution.
        num_convs: May be 0: then what is given is what comes out.
        norm: As in `norm_layer`.
        bias: Whether convolutions have one; those without normalisation, unless given.
    """

    def __init__(self, in_channels: int, channels: int, *, num_convs: int, norm: str, bias: bool | None = None):
        layer = norm_layer(norm)
        bias = layer is None if bias is None else bias
        convs: list[nn.Module] = []
        for index in range(num_convs):
            conv = nn.Conv2d(channels if index else in_channels, channels, kernel_size=3, padding=1, bias=bias)
            convs.append(conv if layer is None else nn.Sequential(conv, layer(channels)))
        super().__init__(convs)

    def forward(self, x: Tensor) -> Tensor:
        for conv in self:
            x = relu(conv(x), inplace=True)
        return x


def start_small(head: nn.Module, *, scores: nn.Conv2d, prior_prob: float) -> None:
    """Initialise the convolutions of a head: small, and each score at `prior_prob` (Lin et al. 2017, arXiv:1708.02002).

    Args:
        scores: The convolution of the head that gives the logits.
        prior_prob: 0 to 1; a low one keeps the many places without objects from drowning the rest at first.
    """
    for module in head.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.normal_(module.weight, std=0.01)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    assert scores.bias is not None
    nn.init.constant_(scores.bias, -math.log((1 - prior_prob) / prior_prob))


def shared_channels(in_channels: tuple[int, ...], *, head: str) -> int:
    """The channels that all levels have. Raises ValueError where they differ, as no convolution serves all then."""
    if len(set(in_channels)) > 1:
        raise ValueError(f"{head} shares its convolutions; it cannot serve levels of {list(in_channels)} channels")
    return in_channels[0]
