"""Record: what is known of one image without decoding it; RecordTable: many of them in a few arrays."""

import os
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Self

import attrs
import numpy as np

# Of a RecordTable.
COLUMNS = ("ids", "names", "sizes", "ends", "boxes", "labels", "crowd", "area", "masks", "mask_ends")


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
        masks: For each box its mask, encoded as in `specdet.masks.rle`; None where they were not asked for.
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
    masks: tuple[bytes, ...] | None = None


class RecordTable:
    """Records as columns.

    Loader processes are forked, and touching a Python object copies the page that it lies on: a list of a million
    records would soon exist once in each of them. Arrays stay shared.

    Attributes:
        folder: What `names` start from.
        ids, names, sizes: Of each image: (n,) int64, (n,) bytes, (n, 2) int64 height and width.
        ends: (n + 1,) int64: the rows of image i in the columns below are ends[i] to ends[i + 1].
        boxes, labels, crowd, area: As in Record, of all images one after the other.
        masks: (B,) uint8, the bytes of all encoded masks one after the other.
        mask_ends: (rows + 1,) int64: the mask of a row is the bytes from its end to the next one. Empty
            where nobody asked for masks.
    """

    def __init__(self, records: Sequence[Record], *, folder: Path):
        self.folder = folder
        self.ids = np.array([record.image_id for record in records], dtype=np.int64)
        self.names = np.array([_name(record, folder) for record in records], dtype=np.bytes_)
        self.sizes = np.array([(r.height, r.width) for r in records], dtype=np.int64).reshape(-1, 2)
        self.ends = np.cumsum([0, *(len(record.labels) for record in records)])
        self.boxes = _column([record.boxes for record in records], np.float32).reshape(-1, 4)
        self.labels = _column([record.labels for record in records], np.int64)
        self.crowd = _column([record.crowd for record in records], np.bool_)
        self.area = _column([record.area for record in records], np.float32)
        encoded = [mask for record in records for mask in record.masks or ()]
        with_masks = any(record.masks is not None for record in records)
        self.masks = np.frombuffer(b"".join(encoded), dtype=np.uint8)
        self.mask_ends = np.cumsum([0, *map(len, encoded)]) if with_masks else np.empty(0, dtype=np.int64)
        assert not with_masks or len(self.mask_ends) == len(self.labels) + 1, "a mask for each box"

    def arrays(self) -> dict[str, np.ndarray]:
        """All columns by name."""
        return {name: getattr(self, name) for name in COLUMNS}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray], *, folder: Path) -> Self:
        """The table with what `arrays` gave."""
        table = cls([], folder=folder)
        for name in COLUMNS:
            setattr(table, name, arrays[name])
        return table

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> Record:
        here = slice(self.ends[index], self.ends[index + 1])
        height, width = self.sizes[index].tolist()
        return Record(
            image_id=int(self.ids[index]),
            path=self.folder / os.fsdecode(self.names[index]),
            height=height,
            width=width,
            boxes=self.boxes[here],
            labels=self.labels[here],
            crowd=self.crowd[here],
            area=self.area[here],
            masks=self._masks(here) if len(self.mask_ends) else None,
        )

    def _masks(self, rows: slice) -> tuple[bytes, ...]:
        ends = self.mask_ends[rows.start : rows.stop + 1].tolist()
        return tuple(self.masks[start:end].tobytes() for start, end in pairwise(ends))


def _name(record: Record, folder: Path) -> bytes:
    assert record.path is not None
    return bytes(record.path.relative_to(folder) if record.path.is_relative_to(folder) else record.path)


def _column(parts: list[np.ndarray], dtype: type) -> np.ndarray:
    return np.concatenate(parts).astype(dtype, copy=False) if parts else np.empty(0, dtype)
