"""The three things that flow through a detector: Batch and Targets go in, Detections come out.

Boxes are `boxes_xyxy`: pixels, float32, half-open (a box of width 1 covers one pixel). Letters in shapes: N images,
M padded ground-truth slots, D detections.
"""

from collections.abc import Callable, Mapping
from itertools import compress
from typing import TypeVar

import attrs
import torch
from torch import Tensor

T = TypeVar("T")


def _mapped(instance: T, change: Callable[[Tensor], Tensor]) -> T:
    """The same with each tensor changed, those of its targets too."""
    changed = {}
    for attribute in attrs.fields(type(instance)):
        value = getattr(instance, attribute.name)
        if isinstance(value, Tensor):
            changed[attribute.name] = change(value)
        elif isinstance(value, Targets):
            changed[attribute.name] = _mapped(value, change)
    return attrs.evolve(instance, **changed)


def _to(instance: T, device: torch.device | str, non_blocking: bool) -> T:
    return _mapped(instance, lambda tensor: tensor.to(device, non_blocking=non_blocking))


@attrs.define(kw_only=True, eq=False)
class Targets:
    """Ground truth of a batch, padded to M slots an image so that every step has static shapes.

    Attributes:
        boxes: (N, M, 4) float32 xyxy, pixels of the padded batch image; zeros in unused slots.
        labels: (N, M) int64, 0..K-1; -1 marks an unused slot.
        crowd: (N, M) bool; regions where detections are neither right nor wrong.
        masks: (N, M, H, W) uint8, 1 on the object, pixels of the padded batch image; None where nobody asked for masks.
    """

    boxes: Tensor
    labels: Tensor
    crowd: Tensor
    masks: Tensor | None = None

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
        proposals: (N, P, 4) float32 xyxy, pixels of the padded batch image, best first: boxes found earlier, for
            detectors that only tell what is in them. Boxes of no extent are unused slots. None where there are none.
        bad: Image id -> why, of images that could not be used. In training another image has taken the place of each;
            in evaluation a black one has, in which nothing counts as found.
    """

    images: Tensor
    sizes: Tensor
    original_sizes: Tensor
    image_ids: Tensor
    keys: Tensor
    targets: Targets | None = None
    size_divisor: int = 32
    normalizers: dict[str, Tensor] | None = None
    proposals: Tensor | None = None
    bad: Mapping[int, str] = attrs.field(factory=dict)

    def __len__(self) -> int:
        return self.images.shape[0]

    def to(self, device: torch.device | str, non_blocking: bool = False) -> "Batch":
        """The same batch on `device`."""
        return _to(self, device, non_blocking)

    def pin_memory(self) -> "Batch":
        """The same batch in page-locked host memory, for a copy that overlaps with work on the device."""
        return _mapped(self, lambda tensor: tensor.pin_memory())


@attrs.define(kw_only=True, eq=False)
class Detections:
    """What a detector found in one image, best first.

    Attributes:
        boxes: (D, 4) float32 xyxy, pixels of the original image.
        scores: (D,) float32, 0 to 1.
        labels: (D,) int64, 0..K-1; all 0 for class-agnostic proposals.
        masks: (D, height, width) bool, pixels of the original image; None where the detector gives none.
        encoded: The masks as bytes (`specdet.masks.rle`), D of them, on their way to an evaluator; None otherwise.
        class_names: What each label is called, K names, or one where classes are not told apart; None where nobody has
            said it: detectors do not, a Predictor does.
    """

    boxes: Tensor
    scores: Tensor
    labels: Tensor
    masks: Tensor | None = None
    encoded: tuple[bytes, ...] | None = None
    class_names: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return self.boxes.shape[0]

    @property
    def names(self) -> list[str]:
        """What is found at each place, D names; waits for the device. Raises ValueError where classes have no names."""
        if self.class_names is None:
            raise ValueError("nobody has named the classes of these detections; labels tell their numbers")
        return [self.class_names[label] for label in self.labels.tolist()]

    def above(self, min_score: float) -> "Detections":
        """Those that score as much or more; waits for the device."""
        return self.kept(self.scores >= min_score)

    def kept(self, keep: Tensor) -> "Detections":
        """Those where the (D,) bool `keep` is true; waits for the device."""
        return attrs.evolve(
            self,
            boxes=self.boxes[keep],
            scores=self.scores[keep],
            labels=self.labels[keep],
            masks=None if self.masks is None else self.masks[keep],
            encoded=None if self.encoded is None else tuple(compress(self.encoded, keep.tolist())),
        )

    def to(self, device: torch.device | str, non_blocking: bool = False) -> "Detections":
        """The same detections on `device`."""
        return _to(self, device, non_blocking)
