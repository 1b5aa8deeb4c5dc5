"""How large a training batch can be, before any image is opened."""

from specdet.data.spec import DataSpec, ShapesSpec
from specdet.data.transforms.spec import FlipSpec, PhotometricSpec, ResizeSpec

Size = tuple[int, int]  # height, width
IN_PLACE = (FlipSpec, PhotometricSpec)  # transforms that leave the size of an image as it is


def largest_batch(data: DataSpec) -> Size | None:
    """Height and width of the largest batch that training can meet, padded; None where only the images tell.

    A wide image stands for tall ones as well, whose batches are as large.
    """
    sizes = [largest_image(data, size=_size(each)) for each in data.training_sets]
    known = [size for size in sizes if size is not None]
    if len(known) < len(sizes) or not known:
        return None
    height, width = (max(side) for side in zip(*known, strict=True))
    if not data.group_by_aspect and data.images_per_device > 1:
        height = width = max(height, width)  # a tall image beside a wide one
    divisor = data.size_divisor
    return -(-height // divisor) * divisor, -(-width // divisor) * divisor


def largest_image(data: DataSpec, *, size: Size | None) -> Size | None:
    """The largest that the training transforms make of images of `size`; None where that is not known."""
    largest = size
    for transform in data.train_transforms.values():
        if isinstance(transform, ResizeSpec):
            short = max(transform.short_side, default=None)
            size = size and transform.build().new_size(*size, short=short)
            largest = size or _largest_of_any(transform, short=short)
        elif not isinstance(transform, IN_PLACE):
            largest = size = None
    return largest


def _largest_of_any(spec: ResizeSpec, *, short: int | None) -> Size | None:
    if spec.long_side == "any":
        return None
    return min(short or spec.long_side, spec.long_side), spec.long_side


def _size(dataset: object) -> Size | None:
    return (dataset.size, dataset.size) if isinstance(dataset, ShapesSpec) else None
