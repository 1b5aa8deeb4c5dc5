"""Resize: scale to a short or a long side, keeping the ratio."""

import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as F

from specdet.data.sample import Sample
from specdet.data.transforms.spec import ResizeSpec


class Resize:
    """Bilinear scaling of an image and its boxes; each axis of the boxes scales by what that axis really became.

    A pixel of a mask is the nearest one of the mask before, as in mmdetection and torchvision.
    """

    def __init__(self, spec: ResizeSpec):
        self.spec = spec

    def __call__(self, sample: Sample, *, generator: torch.Generator) -> Sample:
        """The sample, scaled."""
        size = self.new_size(*sample.size, short=self._short(generator))
        if size == sample.size:
            return sample
        image = F.resize(
            sample.image, list(size), interpolation=InterpolationMode.BILINEAR, antialias=self.spec.antialias
        )
        return sample.moved(lambda part: F.resize(part, list(size)), image=image)  # of masks the nearest pixel's

    def new_size(self, height: int, width: int, *, short: int | None) -> tuple[int, int]:
        """Height and width after scaling: the short side is `short`, or less where the long side would be too long.

        "nearest" is mmcv's int(x * scale + 0.5), "down" the int(x * scale) of torchvision's detectors.
        """
        scales = []
        if short is not None:
            scales.append(short / min(height, width))
        if self.spec.long_side != "any":
            scales.append(self.spec.long_side / max(height, width))
        scale = min(scales)
        extra = 0.5 if self.spec.rounding == "nearest" else 0.0
        return max(1, int(height * scale + extra)), max(1, int(width * scale + extra))

    def _short(self, generator: torch.Generator) -> int | None:
        sides = self.spec.short_side
        if not sides:
            return None
        if self.spec.pick == "range":
            return int(torch.randint(sides[0], sides[1] + 1, (), generator=generator))
        return sides[int(torch.randint(len(sides), (), generator=generator))]
