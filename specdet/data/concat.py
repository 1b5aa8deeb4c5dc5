"""Several training sets as one."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs
import numpy as np

from specdet.data.reader import Reader
from specdet.data.record import Record

if TYPE_CHECKING:
    from torch import Tensor


class ConcatReader:
    """The images of several readers, one reader after the other.

    `sizes` and `classes` are as in Reader; image ids are the positions 0..n-1, since those of the parts may collide.
    """

    def __init__(self, readers: Mapping[str, Reader]):
        """Raises ValueError where the readers' classes, or their order, differ."""
        self._readers = list(readers.values())
        self.classes = self._readers[0].classes
        if difference := classes_differ({key: reader.classes for key, reader in readers.items()}):
            raise ValueError(difference)
        self._ends = np.cumsum([len(reader) for reader in self._readers])
        self.sizes = np.concatenate([reader.sizes for reader in self._readers])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def record(self, index: int) -> Record:
        """What is known of the image at `index`."""
        reader, place = self._place(index)
        return attrs.evolve(reader.record(place), image_id=index)

    def image(self, index: int) -> "Tensor":
        """(3, height, width) uint8 RGB."""
        reader, place = self._place(index)
        return reader.image(place)

    def _place(self, index: int) -> tuple[Reader, int]:
        part = int(np.searchsorted(self._ends, index, side="right"))
        return self._readers[part], index - (int(self._ends[part - 1]) if part else 0)


def classes_differ(classes: Mapping[str, tuple[str, ...]]) -> str:
    """What keeps data sets from being used together; an empty string where all have the same classes in one order."""
    if len(set(classes.values())) <= 1:
        return ""
    lists = "; ".join(f"{key} has {', '.join(names)}" for key, names in classes.items())
    return f"the data sets have different classes: {lists}; write the same `classes` for each"
