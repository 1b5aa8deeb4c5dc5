"""Columns: what is known of the images of a set, as arrays: sets of a million boxes are counted in milliseconds."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Self

import attrs
import numpy as np

from specdet.data.coco import SIZE_UNKNOWN
from specdet.data.file_reader import FileReader
from specdet.data.reader import Reader

LOOKED_AT = 5000  # images of a set that is drawn, or read by a plugin: each is asked for by itself


@attrs.define(kw_only=True, eq=False, slots=False)
class Columns:
    """Of n images with m boxes in all; the boxes of image i are rows ends[i] to ends[i + 1].

    Attributes:
        classes: Names in the order of the labels.
        total: Images of the set; more than n where not all were looked at.
        folder: What `names` start from; None where the images are no files.
        ids: (n,) int64, the set's own numbers.
        names: (n,) bytes: paths of the files; empty where they are none.
        sizes: (n, 2) int64 height and width, px; SIZE_UNKNOWN where the file is missing.
        ends: (n + 1,) int64.
        boxes: (m, 4) float32 xyxy, px.
        labels: (m,) int64.
        crowd: (m,) bool.
        area: (m,) float32, px, as evaluation counts it.
    """

    classes: tuple[str, ...]
    total: int
    folder: Path | None
    ids: np.ndarray
    names: np.ndarray
    sizes: np.ndarray
    ends: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    crowd: np.ndarray
    area: np.ndarray

    @classmethod
    def of(cls, reader: Reader) -> Self:
        """The columns of a reader: its own where it has some, else those of its first images."""
        if isinstance(reader, FileReader):
            table = reader.table
            return cls(
                classes=reader.classes, total=len(reader), folder=table.folder, ids=table.ids, names=table.names,
                sizes=table.sizes, ends=table.ends, boxes=table.boxes, labels=table.labels, crowd=table.crowd,
                area=table.area,
            )  # fmt: skip
        count = min(len(reader), LOOKED_AT)
        records = [reader.record(index) for index in range(count)]
        return cls(
            classes=reader.classes,
            total=len(reader),
            folder=None,
            ids=np.array([record.image_id for record in records], dtype=np.int64),
            names=np.array([str(record.path or "").encode() for record in records], dtype=np.bytes_),
            sizes=reader.sizes[:count],
            ends=np.cumsum([0, *(len(record.labels) for record in records)]),
            boxes=_joined([record.boxes for record in records], np.float32).reshape(-1, 4),
            labels=_joined([record.labels for record in records], np.int64),
            crowd=_joined([record.crowd for record in records], np.bool_),
            area=_joined([record.area for record in records], np.float32),
        )

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def is_whole(self) -> bool:
        """Whether all images were looked at."""
        return len(self) == self.total

    @cached_property
    def image_of(self) -> np.ndarray:
        """(m,) int64: the image of each box."""
        return np.repeat(np.arange(len(self)), np.diff(self.ends))

    @cached_property
    def counts(self) -> np.ndarray:
        """(n,) int64: boxes of each image that are no crowds."""
        return np.bincount(self.image_of[~self.crowd], minlength=len(self))

    @cached_property
    def has_size(self) -> np.ndarray:
        """(n,) bool: whether the size of an image is known."""
        return (self.sizes != SIZE_UNKNOWN).all(axis=1)


def _joined(parts: Sequence[np.ndarray], dtype: type) -> np.ndarray:
    return np.concatenate(parts).astype(dtype, copy=False) if parts else np.empty(0, dtype)
