"""The head that tells which pixels of a box belong to its object."""

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from specdet.masks.crop import crop_masks
from specdet.models.norm import norm_layer
from specdet.models.roi_heads.sample import RoISample
from specdet.models.roi_heads.spec import MaskHeadSpec


class MaskHead(nn.Module):
    """Convolutions, one that doubles the size, and logits of a mask for each class (He et al. 2017, arXiv:1703.06870).

    Args:
        spec: Shape, targets and loss.
        in_channels: Of the pyramid.
        in_size: Height and width of what is cut out, cells.
        num_classes: K, without background.
    """

    def __init__(self, spec: MaskHeadSpec, *, in_channels: int, in_size: int, num_classes: int):
        super().__init__()
        self.spec, self.num_classes, self.cells = spec, num_classes, 2 * in_size
        self.loss_mask = spec.loss_mask.build()
        self.convs = nn.ModuleList(
            _conv(spec, spec.channels if number else in_channels) for number in range(spec.num_convs)
        )
        before = spec.channels if spec.num_convs else in_channels
        self.upsample = nn.ConvTranspose2d(before, spec.channels, kernel_size=2, stride=2)
        self.conv_logits = nn.Conv2d(spec.channels, 1 if spec.class_agnostic else num_classes, kernel_size=1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, pooled: Tensor) -> Tensor:
        """(R, C, S / 2, S / 2) to logits (R, K, S, S), or (R, 1, S, S) where one mask serves all classes."""
        x = pooled
        for conv in self.convs:
            x = relu(conv(x), inplace=True)
        return self.conv_logits(relu(self.upsample(x), inplace=True))

    def of_classes(self, logits: Tensor, labels: Tensor) -> Tensor:
        """(R, S, S) of the classes (R,); of any class for background."""
        if self.spec.class_agnostic:
            return logits[:, 0]
        chosen = labels.clamp(max=self.num_classes - 1)[:, None, None, None]
        return logits.gather(1, chosen.expand(-1, 1, *logits.shape[2:]))[:, 0]

    def targets(self, sample: RoISample, masks: Tensor) -> Tensor:
        """(N, R, S, S) float32 0 to 1: the masks (N, M, H, W) of the sample's ground truth in its boxes."""
        soft = self.spec.targets == "soft"
        found = crop_masks(masks, sample.boxes, sample.slots, cells=self.cells, aligned=not soft)
        return found if soft else (found >= 0.5).float()

    def loss(self, logits: Tensor, sample: RoISample, masks: Tensor) -> Tensor:
        """(N, R) float32, the mean over the cells of the class's mask; finite in slots that do not count."""
        with torch.autocast(masks.device.type, enabled=False):
            said = self.of_classes(logits.float(), sample.labels.flatten())
            wanted = self.targets(sample, masks)
            return self.loss_mask(said, wanted.flatten(0, 1)).mean(dim=(1, 2)).view(wanted.shape[:2])


def _conv(spec: MaskHeadSpec, in_channels: int) -> nn.Module:
    norm = norm_layer(spec.norm)
    conv = nn.Conv2d(in_channels, spec.channels, kernel_size=3, padding=1, bias=norm is None)
    return conv if norm is None else nn.Sequential(conv, norm(spec.channels))
