"""The head that tells the class of a box, and where the box should be."""

import attrs
import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from specdet.boxes.formats import clip_boxes
from specdet.models.norm import norm_layer
from specdet.models.roi_heads.sample import RoISample
from specdet.models.roi_heads.spec import BBoxHeadSpec


@attrs.frozen(kw_only=True, eq=False)
class BBoxOutputs:
    """What the head says of each box.

    Attributes:
        logits: (N, R, K + 1), background last.
        deltas: (N, R, B, 4) of the head's coder, B = K, or 1 where one box serves all classes.
    """

    logits: Tensor
    deltas: Tensor


class BBoxHead(nn.Module):
    """Shared layers, then `fc_cls` and `fc_reg`.

    Args:
        spec: Shape, coder and losses.
        in_channels: Of the pyramid.
        in_size: Height and width of what is cut out, cells.
        num_classes: K, without background.
    """

    def __init__(self, spec: BBoxHeadSpec, *, in_channels: int, in_size: int, num_classes: int):
        super().__init__()
        self.spec = spec
        self.num_classes = num_classes
        self.coder = spec.coder.build()
        self.loss_cls = spec.loss_cls.build()
        self.loss_box = spec.loss_box.build()
        self.shared_convs = nn.ModuleList(
            _conv(spec, in_channels if number == 0 else spec.conv_channels) for number in range(spec.num_convs)
        )
        flat = (spec.conv_channels if spec.num_convs else in_channels) * in_size**2
        fcs = [nn.Linear(spec.fc_channels if number else flat, spec.fc_channels) for number in range(spec.num_fcs)]
        self.shared_fcs = nn.ModuleList(fcs)
        channels = spec.fc_channels if fcs else flat
        self.fc_cls = nn.Linear(channels, num_classes + 1)
        self.fc_reg = nn.Linear(channels, 4 if spec.class_agnostic else 4 * num_classes)
        for layer in fcs:
            nn.init.xavier_uniform_(layer.weight)
        nn.init.normal_(self.fc_cls.weight, std=0.01)
        nn.init.normal_(self.fc_reg.weight, std=0.001)
        for layer in (*fcs, self.fc_cls, self.fc_reg):
            nn.init.zeros_(layer.bias)

    def forward(self, pooled: Tensor, *, num_images: int) -> BBoxOutputs:
        """(N * R, C, S, S) of N images to what is said of each box."""
        x = pooled
        for conv in self.shared_convs:
            x = relu(conv(x), inplace=True)
        x = x.flatten(1)
        for layer in self.shared_fcs:
            x = relu(layer(x), inplace=True)
        return BBoxOutputs(
            logits=self.fc_cls(x).unflatten(0, (num_images, -1)),
            deltas=self.fc_reg(x).unflatten(0, (num_images, -1)).unflatten(-1, (-1, 4)),
        )

    def loss(self, outputs: BBoxOutputs, sample: RoISample) -> tuple[Tensor, Tensor]:
        """(N, R) float32 of the class and of the box, not reduced; finite in slots that do not count."""
        with torch.autocast(sample.boxes.device.type, enabled=False):
            deltas = self.deltas_of(outputs, sample.labels).float()
            cls_loss = self.loss_cls(outputs.logits.float(), sample.labels)
            if self.loss_box.on == "boxes":
                return cls_loss, self.loss_box(self.coder.decode(sample.boxes, deltas), sample.truth)
            return cls_loss, self.loss_box(deltas, self.coder.encode(sample.boxes, sample.truth))

    def deltas_of(self, outputs: BBoxOutputs, labels: Tensor) -> Tensor:
        """(N, R, 4) of the classes (N, R); of any class for background."""
        if self.spec.class_agnostic:
            return outputs.deltas[:, :, 0]
        chosen = labels.clamp(max=self.num_classes - 1)[..., None, None].expand(-1, -1, 1, 4)
        return outputs.deltas.gather(2, chosen)[:, :, 0]

    @torch.no_grad()
    def decode(self, boxes_xyxy: Tensor, outputs: BBoxOutputs, *, sizes: Tensor) -> Tensor:
        """The boxes (N, R, B, 4) that are said of (N, R, 4) boxes, px, cut to images of (N, 2) heights and widths."""
        with torch.autocast(boxes_xyxy.device.type, enabled=False):
            decoded = self.coder.decode(boxes_xyxy[:, :, None], outputs.deltas.float())
            return clip_boxes(decoded.flatten(1, 2), sizes).view_as(decoded)

    @torch.no_grad()
    def refine(
        self, boxes_xyxy: Tensor, outputs: BBoxOutputs, *, sizes: Tensor, labels: Tensor | None = None
    ) -> Tensor:
        """Each box where its class, or else the likeliest one, would have it; (N, R, 4) px to (N, R, 4) px, cut.

        Args:
            labels: (N, R) int64; K is background, which is given the likeliest class.
        """
        likeliest = outputs.logits[..., :-1].argmax(-1)
        chosen = likeliest if labels is None else torch.where(labels < self.num_classes, labels, likeliest)
        with torch.autocast(boxes_xyxy.device.type, enabled=False):
            return clip_boxes(self.coder.decode(boxes_xyxy, self.deltas_of(outputs, chosen).float()), sizes)


def _conv(spec: BBoxHeadSpec, in_channels: int) -> nn.Module:
    norm = norm_layer(spec.norm)
    conv = nn.Conv2d(in_channels, spec.conv_channels, kernel_size=3, padding=1, bias=norm is None)
    nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
    return conv if norm is None else nn.Sequential(conv, norm(spec.conv_channels))
