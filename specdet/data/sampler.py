"""Which images make up which batch, as a pure function of (seed, epoch)."""

from collections.abc import Iterator

import numpy as np
import torch

from specdet.data.keys import mixed_key

Key = tuple[int, int]  # (epoch, index)


class EpochBatchSampler:
    """Training batches: shuffled anew each epoch, cut alike for every number of ranks.

    An epoch is a list of global batches of `world_size * images_per_device` images; each rank takes its part of each,
    so two ranks with B images see together what one rank with 2B sees. What does not fill a global batch is left out
    of the epoch, and other images the next time.

    Args:
        sizes: (n, 2) heights and widths.
        group_by_aspect: Fill each global batch with images that are wider than tall, or with images that are not.

    Raises:
        ValueError: There are too few images for one global batch.
    """

    def __init__(
        self,
        sizes: np.ndarray,
        *,
        images_per_device: int,
        seed: int,
        rank: int = 0,
        world_size: int = 1,
        group_by_aspect: bool = False,
    ):
        assert 0 <= rank < world_size
        wide = torch.from_numpy(sizes[:, 1] > sizes[:, 0])
        self._groups = [wide, ~wide] if group_by_aspect else [torch.ones_like(wide)]
        self._global_size = world_size * images_per_device
        self._part = slice(rank * images_per_device, (rank + 1) * images_per_device)
        self._seed = seed
        self._start = (0, 0)
        self._length = sum(int(group.sum()) // self._global_size for group in self._groups)
        if not self._length:
            raise ValueError(_too_few(len(sizes), images_per_device, world_size, self._groups))

    def __len__(self) -> int:
        """Batches of each rank in a whole epoch."""
        return self._length

    def seek(self, *, epoch: int, batch: int = 0) -> None:
        """Let the next iteration start at the given batch of an epoch; the one after it starts the next epoch."""
        assert epoch >= 0
        assert 0 <= batch <= self._length
        self._start = (epoch, batch)

    def __iter__(self) -> Iterator[list[Key]]:
        # A generator: a DataLoader calls iter() more often than it iterates, and only the first next() may count.
        epoch, batch = self._start
        self._start = (epoch + 1, 0)
        for global_batch in self._global_batches(epoch)[batch:].tolist():
            yield [(epoch, index) for index in global_batch[self._part]]

    def _global_batches(self, epoch: int) -> torch.Tensor:
        """(batches, global size) int64 indices."""
        generator = torch.Generator().manual_seed(mixed_key(self._seed, epoch))
        order = torch.randperm(len(self._groups[0]), generator=generator)
        batches = []
        for group in self._groups:
            members = order[group[order]]
            whole = len(members) // self._global_size * self._global_size
            batches.append(members[:whole].view(-1, self._global_size))
        if len(batches) == 1:
            return batches[0]
        return torch.cat(batches)[torch.randperm(self._length, generator=generator)]


class EvaluationBatchSampler:
    """Every image once, in order: rank r takes the images r, r + world_size, ... and the last batch may be smaller.

    The epoch in the keys is always 0: evaluation is the same whenever it is done.
    """

    def __init__(self, count: int, *, images_per_device: int, rank: int = 0, world_size: int = 1):
        assert 0 <= rank < world_size
        self._indices = range(rank, count, world_size)
        self._images_per_device = images_per_device

    def __len__(self) -> int:
        """Batches of this rank; another rank may have one more or less."""
        return -(-len(self._indices) // self._images_per_device)

    def __iter__(self) -> Iterator[list[Key]]:
        for start in range(0, len(self._indices), self._images_per_device):
            yield [(0, index) for index in self._indices[start : start + self._images_per_device]]


def _too_few(count: int, images_per_device: int, world_size: int, groups: list[torch.Tensor]) -> str:
    needed = world_size * images_per_device
    text = f"{count} training images, but a batch takes {needed} ({world_size} devices with {images_per_device} each)"
    if len(groups) > 1 and count >= needed:
        wide = int(groups[0].sum())
        text += (
            f" of one orientation, and {wide} are wide and {count - wide} are not: turn data.group_by_aspect off, or"
        )
    else:
        text += ":"
    return f"{text} lower data.images_per_device or train on fewer devices"
