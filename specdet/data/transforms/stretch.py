"""Stretch: give an image a fixed size, whatever its ratio."""

import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as F

from specdet.data.sample import Sample
from specdet.data.transforms.spec import StretchSpec


class Stretch:
    """Bilinear scaling of an image and its boxes, each axis by its own factor; of masks the nearest pixel's."""

    def __init__(self, spec: StretchSpec):
        self.spec = spec

    def __call__(self, sample: Sample, *, generator: torch.Generator) -> Sample:
        """The sample, stretched."""
        size = (self.spec.height, self.spec.width)
        if size == sample.size:
            return sample
        image = F.resize(
            sample.image, list(size), interpolation=InterpolationMode.BILINEAR, antialias=self.spec.antialias
        )
        return sample.moved(lambda part: F.resize(part, list(size)), image=image)
