"""What is in a data set, in numbers."""

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np

from specdet.data.reader import Reader

QUANTILES = {"min": 0.0, "5%": 0.05, "25%": 0.25, "median": 0.5, "75%": 0.75, "95%": 0.95, "max": 1.0}
Spread = dict[str, float]  # by the names of QUANTILES; empty where there is nothing


@attrs.frozen(kw_only=True)
class SetStatistics:
    """Of one data set; boxes are those that are no crowds.

    Attributes:
        images: How many.
        empty_images: Those without a box.
        boxes, crowds: How many.
        classes: Name -> its boxes, and images with one; in the order of the labels.
        areas: Name -> boxes of that size, by the area that evaluation counts (of the mask, where the data has one).
        image_width, image_height: px.
        box_width, box_height: px.
        box_side: px, of a square of the box's area.
        aspect_ratio: Width over height of boxes.
        boxes_per_image: Of all images.
    """

    images: int
    empty_images: int
    boxes: int
    crowds: int
    classes: dict[str, dict[str, int]]
    areas: dict[str, int]
    image_width: Spread
    image_height: Spread
    box_width: Spread
    box_height: Spread
    box_side: Spread
    aspect_ratio: Spread
    boxes_per_image: Spread

    def as_json(self) -> dict[str, Any]:
        """By the names of the attributes."""
        return attrs.asdict(self)


def statistics(reader: Reader, *, areas: Mapping[str, tuple[float, float]]) -> SetStatistics:
    """Count a data set; nothing is decoded.

    Args:
        areas: Name -> smallest and largest area of each size of boxes, px^2.
    """
    records = [reader.record(index) for index in range(len(reader))]
    kept = [~record.crowd for record in records]
    boxes = _joined([record.boxes[own] for record, own in zip(records, kept, strict=True)]).reshape(-1, 4)
    labels = _joined([record.labels[own] for record, own in zip(records, kept, strict=True)]).astype(np.int64)
    area = _joined([record.area[own] for record, own in zip(records, kept, strict=True)])
    counts = np.array([own.sum() for own in kept], dtype=np.int64)
    number = len(reader.classes)
    image_of = np.repeat(np.arange(len(records)), counts)
    of_class = np.bincount(labels, minlength=number)
    with_class = np.bincount(np.unique(image_of * max(1, number) + labels) % max(1, number), minlength=number)
    width, height = (boxes[:, 2:] - boxes[:, :2]).clip(min=0).T
    proper = (width > 0) & (height > 0)
    sizes = reader.sizes
    return SetStatistics(
        images=len(records),
        empty_images=int((counts == 0).sum()),
        boxes=len(boxes),
        crowds=sum(int(record.crowd.sum()) for record in records),
        classes={
            name: {"boxes": int(of_class[label]), "images": int(with_class[label])}
            for label, name in enumerate(reader.classes)
        },
        areas={name: int(((area >= low) & (area < high)).sum()) for name, (low, high) in areas.items()},
        image_width=_spread(sizes[:, 1]),
        image_height=_spread(sizes[:, 0]),
        box_width=_spread(width),
        box_height=_spread(height),
        box_side=_spread(np.sqrt(width * height)),
        aspect_ratio=_spread(width[proper] / height[proper]),
        boxes_per_image=_spread(counts),
    )


def _spread(values: np.ndarray) -> Spread:
    if not len(values):
        return {}
    found = np.quantile(values.astype(np.float64), [*QUANTILES.values()])
    return {name: round(float(value), 4) for name, value in zip(QUANTILES, found, strict=True)} | {
        "mean": round(float(values.mean()), 4)
    }


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(parts).astype(np.float64) if parts else np.empty(0)
