"""Samples of several sizes -> one Batch."""

from collections.abc import Sequence

import torch

from specdet.data.sample import Sample
from specdet.structures import Batch, Targets


def collate(samples: Sequence[Sample], *, size_divisor: int) -> Batch:
    """Pad images, and masks where there are some, at the right and bottom with zeros, and boxes with empty slots.

    Returns:
        A Batch whose height and width are the largest of its images, rounded up to a multiple of `size_divisor`, and
        whose targets have as many slots as the image with the most boxes, at least one.
    """
    sizes = torch.tensor([sample.size for sample in samples], dtype=torch.int64)
    height, width = (-(-side // size_divisor) * size_divisor for side in sizes.amax(dim=0).tolist())
    slots = max(1, *(len(sample.labels) for sample in samples))
    images = torch.zeros((len(samples), 3, height, width), dtype=torch.uint8)
    boxes = torch.zeros((len(samples), slots, 4), dtype=torch.float32)
    labels = torch.full((len(samples), slots), -1, dtype=torch.int64)
    crowd = torch.zeros((len(samples), slots), dtype=torch.bool)
    proposals = [sample.proposals.as_subclass(torch.Tensor) for sample in samples if sample.proposals is not None]
    with_masks = any(sample.masks is not None for sample in samples)
    masks = torch.zeros((len(samples), slots, height, width), dtype=torch.uint8) if with_masks else None
    for place, sample in enumerate(samples):
        own_height, own_width = sample.size
        count = len(sample.labels)
        images[place, :, :own_height, :own_width] = sample.image
        boxes[place, :count] = sample.boxes.as_subclass(torch.Tensor)
        labels[place, :count] = sample.labels
        crowd[place, :count] = sample.crowd
        if masks is not None and sample.masks is not None:
            masks[place, :count, :own_height, :own_width] = sample.masks
    return Batch(
        images=images,
        sizes=sizes,
        original_sizes=torch.tensor([sample.original_size for sample in samples], dtype=torch.int64),
        image_ids=torch.tensor([sample.image_id for sample in samples], dtype=torch.int64),
        keys=torch.tensor([sample.key for sample in samples], dtype=torch.int64),
        targets=Targets(boxes=boxes, labels=labels, crowd=crowd, masks=masks),
        size_divisor=size_divisor,
        proposals=torch.stack(proposals) if proposals else None,
        bad={image_id: why for sample in samples for image_id, why in sample.bad.items()},
    )
