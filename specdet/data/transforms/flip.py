"""Flip: mirror an image, its boxes and its masks."""

import torch
from torchvision.transforms.v2 import functional as F

from specdet.data.sample import Sample
from specdet.data.transforms.spec import FlipSpec


class Flip:
    """Mirrors with a probability: x becomes width - x, or y becomes height - y."""

    def __init__(self, spec: FlipSpec):
        self.spec = spec
        self._flip = F.horizontal_flip if spec.direction == "horizontal" else F.vertical_flip

    def __call__(self, sample: Sample, *, generator: torch.Generator) -> Sample:
        """The sample, mirrored or as it was."""
        if float(torch.rand((), generator=generator)) >= self.spec.probability:
            return sample
        return sample.moved(self._flip, image=self._flip(sample.image))
