"""How large a training batch can be, before any image is opened."""

from collections.abc import Collection, Iterable

from specdet.data.spec import DataSpec, ShapesSpec
from specdet.data.transforms.spec import (
    FlipSpec,
    IoUCropSpec,
    PhotometricSpec,
    ResizeSpec,
    StretchSpec,
    ZoomOutSpec,
)

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
    return padded((height, width), data.size_divisor)


def largest_batch_of(data: DataSpec, *, sizes: Collection[Size]) -> Size | None:
    """As `largest_batch`, where the heights and widths of all training images are known; None where a transform is not.

    `sizes` has each once.
    """
    pairs = [(size, largest_image(data, size=size)) for size in sizes]
    known = [(size, made) for size, made in pairs if made is not None]
    if len(known) < len(pairs) or not known:
        return None
    if data.images_per_device == 1:
        groups = [[made] for _, made in known]
    elif data.group_by_aspect:
        groups = [[made for (height, width), made in known if (width > height) is wide] for wide in (True, False)]
    else:
        groups = [[made for _, made in known]]
    batches = [padded((max(side) for side in zip(*group, strict=True)), data.size_divisor) for group in groups if group]
    return max(batches, key=lambda size: size[0] * size[1])


def padded(size: Iterable[int], divisor: int) -> Size:
    """Height and width, each up to the next multiple of `divisor`."""
    height, width = (-(-side // divisor) * divisor for side in size)
    return height, width


def largest_image(data: DataSpec, *, size: Size | None) -> Size | None:
    """The largest that the training transforms make of images of `size`; None where that is not known."""
    largest = size
    for transform in data.train_transforms.values():
        if isinstance(transform, ResizeSpec):
            short = max(transform.short_side, default=None)
            size = size and transform.build().new_size(*size, short=short)
            largest = size or _largest_of_any(transform, short=short)
        elif isinstance(transform, StretchSpec):
            largest = size = (transform.height, transform.width)
        elif isinstance(transform, IoUCropSpec):
            size = None  # no larger than before, but of any ratio
        elif isinstance(transform, ZoomOutSpec):
            largest = largest and (int(largest[0] * transform.max_factor), int(largest[1] * transform.max_factor))
            size = None
        elif not isinstance(transform, IN_PLACE):
            largest = size = None
    return largest


def _largest_of_any(spec: ResizeSpec, *, short: int | None) -> Size | None:
    if spec.long_side == "any":
        return None
    return min(short or spec.long_side, spec.long_side), spec.long_side


def _size(dataset: object) -> Size | None:
    return (dataset.size, dataset.size) if isinstance(dataset, ShapesSpec) else None
