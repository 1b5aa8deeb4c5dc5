"""Hard negative mining (Liu et al. 2016, arXiv:1512.02325)."""

import torch
from torch import Tensor


@torch.no_grad()
def hard_negatives(losses: Tensor, *, positive: Tensor, negative: Tensor, ratio: float) -> Tensor:
    """The negatives with the largest losses, in each image `ratio` for each positive, with static shapes.

    Args:
        losses: (N, A) of classification.
        positive, negative: (N, A) bool.
        ratio: Negatives for each positive; all where there are fewer.

    Returns:
        (N, A) bool.
    """
    order = torch.where(negative, losses.float(), -torch.inf).argsort(dim=1, descending=True, stable=True)
    return negative & (order.argsort(dim=1) < ratio * positive.sum(dim=1, keepdim=True))
