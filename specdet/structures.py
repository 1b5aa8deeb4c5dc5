"""The three things that flow through a detector: Batch and Targets go in, Detections come out.

Boxes are `boxes_xyxy`: pixels, float32, half-open (a box of width 1 covers one pixel). Letters in shapes: N images,
M padded ground-truth slots, D detections.
"""

import attrs
import torch
from torch import Tensor


def _to(instance, device, non_blocking: bool):
    moved = {
        attribute.name: value.to(device, non_blocking=non_blocking)
        for attribute in attrs.fields(type(instance))
        if isinstance(value := getattr(instance, attribute.name), (Tensor, Targets))
    }
    return attrs.evolve(instance, **moved)


@attrs.define(kw_only=True, eq=False)
class Targets:
    """Ground truth of a batch, padded to M slots an image so that every step has static shapes.

    Attributes:
        boxes: (N, M, 4) float32 xyxy, pixels of the padded batch image; zeros in unused slots.
        labels: (N, M) int64, 0..K-1; -1 marks an unused slot.
        crowd: (N, M) bool; regions where detections are neither right nor wrong.
    """

    boxes: Tensor
    labels: Tensor
    crowd: Tensor

    @property
    def valid(self) -> Tensor:
        """(N, M) bool: slots to train on, that is used and not crowd."""
        return (self.labels >= 0) & ~self.crowd

    def to(self, device: torch.device | str, non_blocking: bool = False) -> "Targets":
        """The same targets on `device`."""
        return _to(self, device, non_blocking)


@attrs.define(kw_only=True, eq=False)
class Batch:
    """Images padded at the right and bottom to one size, and what is known of each.

    Attributes:
        images: (N, 3, H, W) uint8 RGB, or float32 in the range 0 to 255; H and W are multiples of `size_divisor`.
        sizes: (N, 2) int64 height and width of each image after its transforms, before padding.
        original_sizes: (N, 2) int64 height and width of each image as it was read.
        image_ids: (N,) int64, the data set's own ids.
        keys: (N,) int64 random key of each image, a pure function of (seed, epoch, index). All randomness of a training
            step that belongs to one image (which anchors are sampled) is drawn from it, so that neither the batch that
            it lands in nor the rank changes it.
        targets: The ground truth, or None.
        size_divisor: What each image was padded to a multiple of, px.
        normalizers: Loss name -> () float32: what to divide that loss by instead of the batch's own count. Set by the
            runner where one optimizer step spans several batches.
    """

    images: Tensor
    sizes: Tensor
    original_sizes: Tensor
    image_ids: Tensor
    keys: Tensor
    targets: Targets | None = None
    size_divisor: int = 32
    normalizers: dict[str, Tensor] | None = None

    def __len__(self) -> int:
        return self.images.shape[0]

    def to(self, device: torch.device | str, non_blocking: bool = False) -> "Batch":
        """The same batch on `device`."""
        return _to(self, device, non_blocking)

    def pin_memory(self) -> "Batch":
        """The same batch in page-locked host memory, for a copy that overlaps with work on the device."""
        pinned = {
            attribute.name: value.pin_memory()
            for attribute in attrs.fields(Batch)
            if isinstance(value := getattr(self, attribute.name), Tensor)
        }
        targets = self.targets and Targets(
            boxes=self.targets.boxes.pin_memory(),
            labels=self.targets.labels.pin_memory(),
            crowd=self.targets.crowd.pin_memory(),
        )
        return attrs.evolve(self, **pinned, targets=targets)


@attrs.define(kw_only=True, eq=False)
class Detections:
    """What a detector found in one image, best first.

    Attributes:
        boxes: (D, 4) float32 xyxy, pixels of the original image.
        scores: (D,) float32, 0 to 1.
        labels: (D,) int64, 0..K-1; all 0 for class-agnostic proposals.
    """

    boxes: Tensor
    scores: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return self.boxes.shape[0]

    def to(self, device: torch.device | str, non_blocking: bool = False) -> "Detections":
        """The same detections on `device`."""
        return _to(self, device, non_blocking)
