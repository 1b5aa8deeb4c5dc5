"""A factor that is learnt."""

import torch
from torch import Tensor, nn


class Scale(nn.Module):
    """Times one number, 1 at first: what one level's outputs have that the layers shared by all levels cannot give."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(1.0))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale
