"""Sample: one decoded image with its ground truth, as transforms see it."""

import attrs
from torch import Tensor
from torchvision import tv_tensors


@attrs.frozen(kw_only=True, eq=False)
class Sample:
    """One image on its way to a batch.

    Attributes:
        image: (3, height, width) uint8 RGB.
        boxes: (G, 4) float32 xyxy, px of `image`, half-open.
        labels: (G,) int64, 0..K-1.
        crowd: (G,) bool.
        image_id: The data set's own number of the image.
        original_size: Height and width, px, as it was read.
        key: Random key of the image in this epoch.
    """

    image: tv_tensors.Image
    boxes: tv_tensors.BoundingBoxes
    labels: Tensor
    crowd: Tensor
    image_id: int
    original_size: tuple[int, int]
    key: int

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of `image`, px."""
        return self.image.shape[-2], self.image.shape[-1]
