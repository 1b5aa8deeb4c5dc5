"""build_dataloader: a DataLoader whose batches depend on (seed, epoch, batch) and on nothing else."""

import signal
import sys
from functools import partial

import torch
from torch.utils.data import DataLoader

from specdet.data.collate import collate
from specdet.data.dataset import DetectionDataset
from specdet.data.sampler import EpochBatchSampler, EvaluationBatchSampler
from specdet.structures import Batch


def build_dataloader(
    dataset: DetectionDataset,
    *,
    images_per_device: int,
    workers: int,
    seed: int,
    training: bool,
    rank: int = 0,
    world_size: int = 1,
    group_by_aspect: bool = False,
    size_divisor: int = 32,
    pin_memory: bool = False,
) -> DataLoader[Batch]:
    """A loader of Batch objects for one rank.

    In training, `loader.batch_sampler.seek(epoch=, batch=)` says where the next `iter(loader)` starts; `len(loader)` is
    the number of batches in a whole epoch. Creating an iterator draws nothing from torch's global generator.

    Args:
        workers: Processes that load for this rank; 0 loads in this one. They live as long as the loader.
        seed: Of the order of training images; the images' own randomness has the data set's seed.
        training: Shuffled whole global batches, or every image once and in order.

    Raises:
        ValueError: The data set is too small for one global training batch.
    """
    sampler: EpochBatchSampler | EvaluationBatchSampler
    if training:
        sampler = EpochBatchSampler(
            dataset.sizes,
            images_per_device=images_per_device,
            seed=seed,
            rank=rank,
            world_size=world_size,
            group_by_aspect=group_by_aspect,
        )
    else:
        sampler = EvaluationBatchSampler(
            len(dataset), images_per_device=images_per_device, rank=rank, world_size=world_size
        )
    loader: DataLoader = DataLoader(
        dataset,
        batch_sampler=sampler,  # pyright: ignore[reportArgumentType]  its items are keys, not integers
        num_workers=workers,
        collate_fn=partial(collate, size_divisor=size_divisor),
        pin_memory=pin_memory,
        worker_init_fn=_init_worker if workers else None,
        # Forked workers start in milliseconds and share the annotations; a spawned one imports torch anew.
        multiprocessing_context="fork" if workers and sys.platform == "linux" else None,
        persistent_workers=workers > 0,
        generator=torch.Generator().manual_seed(seed),
    )
    return loader


def close_dataloader(loader: DataLoader) -> None:
    """End the worker processes of a loader, which otherwise live until it is collected, at worst when Python exits."""
    iterator = loader._iterator
    if iterator is not None and loader.num_workers:
        iterator._shutdown_workers()  # pyright: ignore[reportAttributeAccessIssue] (torch has no public way)
        loader._iterator = None


def _init_worker(worker: int) -> None:
    torch.set_num_threads(1)
    # Ctrl-C reaches the whole process group; only the trainer may act on it. Its SIGTERM handler is not for workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
