"""Sample: one decoded image with its ground truth, as transforms see it."""

from collections.abc import Callable, Mapping
from typing import Any

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
        masks: (G, height, width) uint8, 1 on the object; all 0 of an object whose mask is not known. None where nobody
            asked for masks.
        proposals: (P, 4) float32 xyxy, px of `image`: boxes found earlier, best first; without extent in slots that are
            not used. None where there are none.
        bad: As in Batch: images that could not be used, and in whose place this one is.
    """

    image: tv_tensors.Image
    boxes: tv_tensors.BoundingBoxes
    labels: Tensor
    crowd: Tensor
    image_id: int
    original_size: tuple[int, int]
    key: int
    masks: tv_tensors.Mask | None = None
    proposals: tv_tensors.BoundingBoxes | None = None
    bad: Mapping[int, str] = attrs.field(factory=dict)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of `image`, px."""
        return self.image.shape[-2], self.image.shape[-1]

    def moved(self, move: Callable[[Any], Any], *, image: Tensor) -> "Sample":
        """The sample with another image, and with all that lies on it moved alike: boxes, masks and proposals."""
        return attrs.evolve(
            self,
            image=image,
            boxes=move(self.boxes),
            masks=None if self.masks is None else move(self.masks),
            proposals=None if self.proposals is None else move(self.proposals),
        )

    def only(self, keep: Tensor) -> "Sample":
        """The sample with the objects of which `keep`, (G,) bool, is true; its proposals stay."""
        masks = self.masks
        if masks is not None and not keep.all():
            masks = tv_tensors.wrap(masks[keep], like=masks)  # pyright: ignore[reportCallIssue]
        return attrs.evolve(
            self,
            boxes=tv_tensors.wrap(self.boxes[keep], like=self.boxes),  # pyright: ignore[reportCallIssue]
            labels=self.labels[keep],
            crowd=self.crowd[keep],
            masks=masks,
        )
