"""Record: what is known of one image without decoding it; RecordTable: many of them in a few arrays."""

import os
from collections.abc import Sequence
from pathlib import Path

import attrs
import numpy as np


@attrs.frozen(kw_only=True, eq=False)
class Record:
    """One image and its ground truth.

    Attributes:
        image_id: The data set's own number of the image.
        path: Where the image lies; None where it is drawn.
        height: px, as the image is seen (after its EXIF orientation).
        width: px.
        boxes: (G, 4) float32 xyxy, px, half-open; as annotated, so they may reach a little past the border.
        labels: (G,) int64, 0..K-1.
        crowd: (G,) bool; regions where detections are neither right nor wrong.
        area: (G,) float32, px; of the object's mask where the data has one, else of its box.
        polygons: For each box the outline x0, y0, x1, y1, ... in px; None where the data has none.
    """

    image_id: int
    path: Path | None
    height: int
    width: int
    boxes: np.ndarray
    labels: np.ndarray
    crowd: np.ndarray
    area: np.ndarray
    polygons: tuple[tuple[float, ...], ...] | None = None


class RecordTable:
    """Records as columns.

    Loader processes are forked, and touching a Python object copies the page that it lies on: a list of a million
    records would soon exist once in each of them. Arrays stay shared.
    """

    def __init__(self, records: Sequence[Record], *, folder: Path):
        self._folder = folder
        self._ids = np.array([record.image_id for record in records], dtype=np.int64)
        self._names = np.array([_name(record, folder) for record in records], dtype=np.bytes_)
        self.sizes = np.array([(r.height, r.width) for r in records], dtype=np.int64).reshape(-1, 2)
        self._ends = np.cumsum([0, *(len(record.labels) for record in records)])
        self._boxes = _column([record.boxes for record in records], np.float32).reshape(-1, 4)
        self._labels = _column([record.labels for record in records], np.int64)
        self._crowd = _column([record.crowd for record in records], np.bool_)
        self._area = _column([record.area for record in records], np.float32)

    def __len__(self) -> int:
        return len(self._ids)

    def __getitem__(self, index: int) -> Record:
        here = slice(self._ends[index], self._ends[index + 1])
        height, width = self.sizes[index].tolist()
        return Record(
            image_id=int(self._ids[index]),
            path=self._folder / os.fsdecode(self._names[index]),
            height=height,
            width=width,
            boxes=self._boxes[here],
            labels=self._labels[here],
            crowd=self._crowd[here],
            area=self._area[here],
        )


def _name(record: Record, folder: Path) -> bytes:
    assert record.path is not None
    return bytes(record.path.relative_to(folder) if record.path.is_relative_to(folder) else record.path)


def _column(parts: list[np.ndarray], dtype: type) -> np.ndarray:
    return np.concatenate(parts).astype(dtype, copy=False) if parts else np.empty(0, dtype)
