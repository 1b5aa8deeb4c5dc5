"""Reader: what every source of images offers, whether it reads files or draws."""

from typing import Protocol

import numpy as np
from torch import Tensor

from specdet.data.record import Record


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

    def image(self, index: int) -> Tensor:
        """(3, height, width) uint8 RGB. Raises ValueError, which names the file, where it cannot be decoded."""
        ...
