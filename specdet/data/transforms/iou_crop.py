"""IoUCrop: a part of an image that shows some objects well enough."""

import torch
from torch import Tensor
from torchvision.ops import box_iou
from torchvision.transforms.v2 import functional as F

from specdet.data.sample import Sample
from specdet.data.transforms.spec import IoUCropSpec


class IoUCrop:
    """Objects whose centre lies in the part stay, cut at its border; an image without objects stays whole."""

    def __init__(self, spec: IoUCropSpec):
        self.spec = spec

    def __call__(self, sample: Sample, *, generator: torch.Generator) -> Sample:
        """The part, or the sample as it was."""
        boxes = sample.boxes.as_subclass(Tensor)
        choices = (None, 0.0, *self.spec.overlaps)  # None: the whole image
        while len(boxes):
            overlap = choices[int(torch.randint(len(choices), (), generator=generator))]
            if overlap is None:
                return sample
            for _ in range(self.spec.tries):
                part = self._part(sample.size, generator=generator)
                if part is None:
                    continue
                inside = _centred_in(part, boxes)
                if inside.any() and self._overlaps(boxes, inside, part) >= overlap:
                    return _cut(sample, part).only(inside)
        return sample

    def _part(self, size: tuple[int, int], *, generator: torch.Generator) -> Tensor | None:
        """(4,) float32 xyxy, whole px; None where what was drawn is too long or nothing."""
        sides, places = torch.rand(2, 2, generator=generator)
        whole = torch.tensor([size[1], size[0]])
        extent = (whole * (self.spec.min_scale + (1 - self.spec.min_scale) * sides)).floor()
        if extent.min() < 1 or extent.max() > self.spec.max_aspect * extent.min():
            return None
        start = ((whole - extent) * places).floor()
        return torch.cat((start, start + extent))

    def _overlaps(self, boxes: Tensor, inside: Tensor, part: Tensor) -> float:
        if self.spec.of == "all":
            return float(box_iou(boxes, part[None]).min())
        return float(box_iou(boxes[inside], part[None]).max())


def _centred_in(part: Tensor, boxes: Tensor) -> Tensor:
    """(G,) bool."""
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2
    return ((centers > part[:2]) & (centers < part[2:])).all(dim=1)


def _cut(sample: Sample, part: Tensor) -> Sample:
    left, top, right, bottom = map(int, part.tolist())
    window = [top, left, bottom - top, right - left]
    return sample.moved(lambda each: F.crop(each, *window), image=F.crop(sample.image, *window))
