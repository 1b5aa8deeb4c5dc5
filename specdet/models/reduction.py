"""How elementwise losses become the numbers that are minimised."""

import torch
from torch import Tensor, distributed


def reduce_loss(losses: Tensor, *, used: Tensor, normalizer: Tensor) -> Tensor:
    """The sum of the used elements over the normalizer; a () float32 that stays in the graph when nothing is used."""
    return torch.where(used, losses, 0.0).sum() / normalizer


def count_of_ranks(count: Tensor, *, loss_normalizer: str, training: bool) -> Tensor:
    """What losses are divided by: this process's count ("rank"), or the mean of all processes' ("global").

    Outside of training always its own: one process may have a batch more than another there, and would wait for ever.
    """
    return mean_over_ranks(count) if training and loss_normalizer == "global" else count


def mean_over_ranks(count: Tensor) -> Tensor:
    """The mean of a count over all processes, with nothing read from the device."""
    if not (distributed.is_available() and distributed.is_initialized()) or distributed.get_world_size() == 1:
        return count
    total = count.clone()
    distributed.all_reduce(total)
    return total / distributed.get_world_size()
