"""ZoomOut: an image on a larger canvas, which makes objects small."""

import torch
from torchvision.transforms.v2 import functional as F

from specdet.data.sample import Sample
from specdet.data.transforms.spec import ZoomOutSpec


class ZoomOut:
    """The canvas is filled with one colour; where there is nothing, masks are 0 (SSD, Liu et al. 2016)."""

    def __init__(self, spec: ZoomOutSpec):
        self.spec = spec

    def __call__(self, sample: Sample, *, generator: torch.Generator) -> Sample:
        """The sample somewhere on its canvas, or as it was."""
        # All numbers are drawn, used or not: what later transforms draw does not depend on what happens here.
        wanted, size, down, right = torch.rand(4, generator=generator, dtype=torch.float64).tolist()
        if wanted >= self.spec.probability:
            return sample
        height, width = sample.size
        factor = 1 + (self.spec.max_factor - 1) * size
        free_height, free_width = int(height * factor) - height, int(width * factor) - width
        top, left = int(free_height * down), int(free_width * right)
        border = [left, top, free_width - left, free_height - top]
        image = F.pad(sample.image, border, fill=[round(each) for each in self.spec.fill])
        return sample.moved(lambda part: F.pad(part, border), image=image)
