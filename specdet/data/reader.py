"""Reader: what every source of images offers, whether it reads files or draws."""

from typing import TYPE_CHECKING, Protocol

import numpy as np

from specdet.data.record import Record

if TYPE_CHECKING:
    from torch import Tensor


class Reader(Protocol):
    """Images by position 0..n-1, with their ground truth."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names in the order of the labels."""
        ...

    @property
    def sizes(self) -> np.ndarray:
        """(n, 2) int64 heights and widths, px, known without decoding."""
        ...

    def __len__(self) -> int: ...

    def record(self, index: int) -> Record:
        """What is known of the image at `index`."""
        ...

    def image(self, index: int) -> "Tensor":
        """(3, height, width) uint8 RGB. Raises UnreadableImage where it cannot be used."""
        ...
