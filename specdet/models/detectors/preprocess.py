"""Images as the backbone sees them."""

import torch
from torch import Tensor, nn

from specdet.models.detectors.spec import PreprocessSpec


class Preprocess(nn.Module):
    """Normalises on the device, in float32; what lies outside an image is 0 afterwards, whatever padded it."""

    mean: Tensor
    scale: Tensor

    def __init__(self, spec: PreprocessSpec):
        super().__init__()
        self.spec = spec
        self.register_buffer("mean", torch.tensor(spec.mean)[:, None, None], persistent=False)
        self.register_buffer("scale", 1 / torch.tensor(spec.std)[:, None, None], persistent=False)

    def forward(self, images: Tensor, *, sizes: Tensor) -> Tensor:
        """(N, 3, H, W) uint8, or float in 0 to 255, RGB, and (N, 2) heights and widths to (N, 3, H, W) float32."""
        images = images.flip(1) if self.spec.bgr else images
        rows = torch.arange(images.shape[2], device=images.device)[:, None] < sizes[:, 0, None, None]
        columns = torch.arange(images.shape[3], device=images.device) < sizes[:, 1, None, None]
        normalised = torch.where((rows & columns)[:, None], (images.float() - self.mean) * self.scale, 0.0)
        kind = images.device.type
        # The layout of the image is that of all features after it. Convolutions on a CPU, and on tensor cores, want
        # channels last: a step of ResNet-50 takes a tenth less on a CPU.
        if kind == "cpu" or torch.is_autocast_enabled(kind):
            return normalised.contiguous(memory_format=torch.channels_last)
        return normalised
