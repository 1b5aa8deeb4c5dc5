"""Small batches for tests of models."""

import torch

from specdet.structures import Batch, Targets


def make_targets(boxes: list[list[list[float]]], *, slots: int | None = None) -> Targets:
    """Targets of images with these boxes, padded to `slots`; all of class 0."""
    slots = max([1, *map(len, boxes)]) if slots is None else slots
    padded = torch.zeros(len(boxes), slots, 4)
    labels = torch.full((len(boxes), slots), -1)
    for image, own in enumerate(boxes):
        padded[image, : len(own)] = torch.tensor(own).reshape(-1, 4)
        labels[image, : len(own)] = 0
    return Targets(boxes=padded, labels=labels, crowd=torch.zeros(len(boxes), slots, dtype=torch.bool))


def make_batch(
    sizes: list[tuple[int, int]], boxes: list[list[list[float]]] | None = None, *, seed: int = 0, divisor: int = 32
) -> Batch:
    """Noise images of these heights and widths, padded to one size; image i is the same in any batch of this seed."""
    height, width = (-(-max(side) // divisor) * divisor for side in zip(*sizes, strict=True))
    images = torch.zeros(len(sizes), 3, height, width, dtype=torch.uint8)
    for number, (own_height, own_width) in enumerate(sizes):
        generator = torch.Generator().manual_seed(1000 * seed + number)
        images[number, :, :own_height, :own_width] = torch.randint(
            0, 256, (3, own_height, own_width), dtype=torch.uint8, generator=generator
        )
    return Batch(
        images=images,
        sizes=torch.tensor(sizes),
        original_sizes=torch.tensor(sizes),
        image_ids=torch.arange(len(sizes)),
        keys=torch.arange(len(sizes)) * 7919 + 1 + seed,
        targets=None if boxes is None else make_targets(boxes),
        size_divisor=divisor,
    )
