"""Fixes: what has to be done with a tensor besides giving it another name."""

import attrs
import torch
from torch import Tensor

# COCO numbers its 80 classes from 1 to 90; torchvision's detectors have an output for each number, 0 being background.
COCO_GAPS = (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)
COCO_OUTPUTS = 91
COCO_IDS = tuple(number for number in range(1, COCO_OUTPUTS) if number not in COCO_GAPS)


@attrs.frozen(kw_only=True)
class Given:
    """What a fix may want to know besides the tensor.

    Attributes:
        num_classes: Of our model, without background, where it is known.
        anchors: Boxes at each place of the level that the tensor belongs to, as its tensor of deltas tells.
    """

    num_classes: int | None = None
    anchors: int = 1


class Fix:
    """Leaves a tensor as it is; subclasses do not."""

    def to_ours(self, tensor: Tensor, given: Given) -> Tensor:
        """The tensor as our modules have it."""
        return tensor

    def to_theirs(self, tensor: Tensor, given: Given) -> Tensor:
        """The other way round."""
        return tensor


@attrs.frozen(kw_only=True)
class BackgroundFirst(Fix):
    """Rows of classes, background first or (where nothing learns it) number 0 unused, as torchvision has them.

    Attributes:
        rows: Rows of a class that stand together: 4 of the deltas of a box.
        keep: Whether background has rows with us, which then stand last.
        unused_bias: Of number 0 where it is unused. A head that scores each class for itself finds it everywhere (0.5)
            if that is 0.
    """

    rows: int = 1
    keep: bool = False
    unused_bias: float = 0.0

    def to_ours(self, tensor: Tensor, given: Given) -> Tensor:
        """As in `Fix`; of the 91 outputs for COCO's numbers those 80 that mean something, unless 90 are wanted."""
        classes = len(tensor) // (given.anchors * self.rows)
        if classes == given.num_classes and not self.keep:
            return tensor  # a dense head that was trained with labels from 0
        grouped = tensor.unflatten(0, (given.anchors, classes, self.rows))
        if classes == COCO_OUTPUTS and given.num_classes != COCO_OUTPUTS - 1:
            order = list(COCO_IDS)
        else:
            order = list(range(1, classes))
        if self.keep:
            order.append(0)
        return grouped[:, order].flatten(0, 2)

    def to_theirs(self, tensor: Tensor, given: Given) -> Tensor:
        classes = len(tensor) // (given.anchors * self.rows)
        grouped = tensor.unflatten(0, (given.anchors, classes, self.rows))
        unused = self.unused_bias if tensor.ndim == 1 else 0.0
        first = grouped[:, -1:] if self.keep else torch.full_like(grouped[:, :1], unused)
        rest = grouped[:, :-1] if self.keep else grouped
        return torch.cat((first, rest), dim=1).flatten(0, 2)


@attrs.frozen(kw_only=True)
class SizeMajor(Fix):
    """Rows of anchors, those of one size together, as detectron2 has them; with us, those of one shape."""

    shapes: int = 3

    def to_ours(self, tensor: Tensor, given: Given) -> Tensor:
        if given.anchors % self.shapes:
            return tensor
        return tensor.unflatten(0, (given.anchors // self.shapes, self.shapes, -1)).transpose(0, 1).flatten(0, 2)

    def to_theirs(self, tensor: Tensor, given: Given) -> Tensor:
        if given.anchors % self.shapes:
            return tensor
        return tensor.unflatten(0, (self.shapes, given.anchors // self.shapes, -1)).transpose(0, 1).flatten(0, 2)


PLAIN = Fix()
