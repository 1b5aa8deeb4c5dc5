"""A model, a data set and a runner that are as small as can be, with all that makes resuming hard."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from specdet.runner.accelerator import make_accelerator
from specdet.runner.runner import Runner

FEATURES = 6


@attrs.define(kw_only=True, eq=False)
class ToyBatch:
    """N rows; `weights` says how much each counts, and their sum is what the loss is divided by."""

    x: Tensor
    y: Tensor
    weights: Tensor
    normalizers: dict[str, Tensor] | None = None

    def __len__(self) -> int:
        return len(self.x)

    def to(self, device: Any, non_blocking: bool = False) -> "ToyBatch":
        move = {name: getattr(self, name).to(device, non_blocking=non_blocking) for name in ("x", "y", "weights")}
        return attrs.evolve(self, **move)


class ToyModel(nn.Module):
    """Dropout draws from the global generator; batch norm keeps buffers."""

    def __init__(self, *, dropout: float = 0.3, norm: bool = True):
        super().__init__()
        norm_layer = nn.BatchNorm1d(8) if norm else nn.Identity()
        self.body = nn.Sequential(nn.Linear(FEATURES, 8), norm_layer, nn.ReLU(), nn.Dropout(dropout), nn.Linear(8, 1))

    def forward(self, batch: ToyBatch, *, returns: str = "loss") -> dict[str, Tensor]:
        error = (self.body(batch.x)[:, 0] - batch.y) ** 2 * batch.weights
        normalizers = batch.normalizers or self.normalizers(batch)
        return {"loss/error": error.sum() / normalizers["loss/error"], "weight": batch.weights.mean()}

    def normalizers(self, batch: ToyBatch) -> dict[str, Tensor]:
        return {"loss/error": batch.weights.sum()}


class ToyData(Dataset):
    """Rows with noise that is a function of (seed, epoch, index) alone."""

    def __init__(self, *, size: int, seed: int):
        self.size, self.seed = size, seed

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, key: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
        epoch, index = key
        fixed = np.random.default_rng((self.seed, index))
        noise = np.random.default_rng((self.seed, epoch, index))
        x = fixed.normal(size=FEATURES) + 0.1 * noise.normal(size=FEATURES)
        row = torch.tensor(x, dtype=torch.float32)
        return row, row.sum().sin(), torch.tensor(0.5 + index % 3)


class ToyBatches:
    """Batches of keys, the order a function of (seed, epoch), cut in rank order."""

    def __init__(self, *, size: int, batch: int, seed: int, rank: int, world_size: int):
        self.size, self.batch, self.seed, self.rank, self.world_size = size, batch, seed, rank, world_size
        self.start = (0, 0)

    def __len__(self) -> int:
        return self.size // (self.batch * self.world_size)

    def seek(self, *, epoch: int, batch: int) -> None:
        self.start = (epoch, batch)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        epoch, first = self.start
        order = np.random.default_rng((self.seed, 17, epoch)).permutation(self.size)
        for index in range(first, len(self)):
            start = (index * self.world_size + self.rank) * self.batch
            yield [(epoch, int(item)) for item in order[start : start + self.batch]]


def collate(rows: list[tuple[Tensor, Tensor, Tensor]]) -> ToyBatch:
    x, y, weights = (torch.stack(column) for column in zip(*rows, strict=True))
    return ToyBatch(x=x, y=y, weights=weights)


def toy_loader(
    *, size: int = 48, batch: int = 4, seed: int = 0, rank: int = 0, world_size: int = 1, workers: int = 0
) -> DataLoader:
    return DataLoader(
        ToyData(size=size, seed=seed),
        batch_sampler=ToyBatches(size=size, batch=batch, seed=seed, rank=rank, world_size=world_size),
        num_workers=workers,
        collate_fn=collate,
        persistent_workers=workers > 0,
        generator=torch.Generator(),  # so that making an iterator does not draw from the global generator
    )


def toy_runner(
    work_dir: Path | None = None,
    *,
    accumulate: int = 1,
    precision: str = "fp32",
    optimizer: str = "AdamW",
    model=None,
    **kwargs,
) -> Runner:
    random.seed(3)
    torch.manual_seed(3)
    model = model or ToyModel()
    made = {
        "AdamW": lambda: torch.optim.AdamW(model.parameters(), lr=0.01),
        "SGD": lambda: torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9),
        "none": lambda: None,
    }[optimizer]()
    accelerator = make_accelerator(precision, accumulate)
    return Runner(model, optimizer=made, work_dir=work_dir, accelerator=accelerator, accumulate=accumulate, **kwargs)
