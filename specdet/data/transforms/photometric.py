"""Photometric: random changes of colour that leave every pixel in its place."""

import attrs
import torch
from torchvision.transforms.v2 import functional as F

from specdet.data.sample import Sample
from specdet.data.transforms.spec import PhotometricSpec


class Photometric:
    """Brightness, then contrast, saturation and hue, or saturation, hue and contrast (SSD, Liu et al. 2016)."""

    def __init__(self, spec: PhotometricSpec):
        self.spec = spec

    def __call__(self, sample: Sample, *, generator: torch.Generator) -> Sample:
        """The sample in other colours."""
        spec = self.spec
        # All numbers are drawn, used or not: what one change draws never depends on whether another one happened.
        applied = (torch.rand(4, generator=generator) < spec.probability).tolist()
        position = torch.rand(4, generator=generator).mul(2).sub(1).tolist()
        contrast_last = float(torch.rand((), generator=generator)) < 0.5
        changes = [
            (F.adjust_brightness, 1 + spec.brightness * position[0], applied[0]),
            (F.adjust_contrast, 1 + spec.contrast * position[1], applied[1]),
            (F.adjust_saturation, 1 + spec.saturation * position[2], applied[2]),
            (F.adjust_hue, spec.hue * position[3], applied[3]),
        ]
        if contrast_last:
            changes.append(changes.pop(1))
        image = sample.image
        for change, amount, wanted in changes:
            if wanted:
                image = change(image, amount)
        return attrs.evolve(sample, image=image)
