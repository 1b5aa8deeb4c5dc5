"""Pictures: images that somebody has in memory, as a reader without ground truth."""

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from specdet.data.record import Record


class Pictures:
    """Images as every reader gives them, so that what is looked at goes the way of what was trained on.

    Args:
        images: Each (3, height, width) uint8 RGB; the place of an image is its id.
        classes: Names in the order of the labels.
    """

    def __init__(self, images: Sequence[Tensor], *, classes: tuple[str, ...] = ()):
        self.classes = classes
        self._images = images
        self.sizes = np.array([image.shape[1:] for image in images], dtype=np.int64).reshape(-1, 2)

    def __len__(self) -> int:
        return len(self._images)

    def record(self, index: int) -> Record:
        """What is known of the image at `index`."""
        height, width = self.sizes[index].tolist()
        return Record(
            image_id=index,
            path=None,
            height=height,
            width=width,
            boxes=np.empty((0, 4), np.float32),
            labels=np.empty(0, np.int64),
            crowd=np.empty(0, np.bool_),
            area=np.empty(0, np.float32),
        )

    def image(self, index: int) -> Tensor:
        """(3, height, width) uint8 RGB."""
        return self._images[index]
