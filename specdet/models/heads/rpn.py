"""The head of a region proposal network."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from specdet.boxes.formats import clip_boxes, have_extent
from specdet.boxes.nms import Kept, nms
from specdet.models.heads.anchor_head import AnchorHead, Predictions
from specdet.models.heads.spec import RPNHeadSpec


class RPNHead(AnchorHead):
    """3x3 convolutions shared by all levels, then objectness and deltas of every anchor.

    Args:
        spec: Shape, anchors, coder and losses.
        in_channels: Of each level; all equal.
        strides: Of each level, px.
        train: Settings of targets and losses, see `AnchorHead`.

    Raises:
        ValueError: Where levels differ in channels, or anchors do not fit them.
    """

    loss_names = ("loss/rpn_cls", "loss/rpn_box")

    def __init__(self, spec: RPNHeadSpec, *, in_channels: Sequence[int], strides: Sequence[int], train: Any):
        super().__init__(spec, strides=strides, train=train)
        if len(set(in_channels)) > 1:
            raise ValueError(f"RPNHead shares its convolutions; it cannot serve levels of {list(in_channels)} channels")
        anchors_per_cell = self.anchor_generator.anchors_per_cell
        channels = spec.feat_channels
        convs = [
            nn.Conv2d(channels if number else in_channels[0], channels, kernel_size=3, padding=1)
            for number in range(spec.num_convs)
        ]
        self.rpn_conv = convs[0] if len(convs) == 1 else nn.ModuleList(convs)
        self.rpn_cls = nn.Conv2d(channels, anchors_per_cell, kernel_size=1)
        self.rpn_reg = nn.Conv2d(channels, anchors_per_cell * 4, kernel_size=1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, std=0.01)
                assert module.bias is not None
                nn.init.zeros_(module.bias)

    def forward(self, features: Sequence[Tensor], *, image_size: tuple[int, int]) -> Predictions:
        """One (N, C, H, W) map a level, of images padded to `image_size`, to what is said of every anchor."""
        hidden = list(features)
        for conv in self.rpn_conv if isinstance(self.rpn_conv, nn.ModuleList) else (self.rpn_conv,):
            hidden = [relu(conv(each), inplace=True) for each in hidden]
        return self.flatten(
            [self.rpn_cls(each) for each in hidden], [self.rpn_reg(each) for each in hidden], image_size=image_size
        )

    @torch.no_grad()
    def proposals(self, predictions: Predictions, *, sizes: Tensor, settings: Any) -> tuple[Tensor, Kept]:
        """The best boxes of each image.

        Args:
            predictions: Of every anchor.
            sizes: (N, 2) height and width of each image without padding, px.
            settings: `nms_pre`, `nms_post`, `nms_iou`, `min_size` and `min_score`.

        Returns:
            (N, D, 4) float32 xyxy, px of the padded images; and what is known of them: scores 0 to 1, which are used.
        """
        anchors = predictions.anchors
        indices, levels, first = [], [], 0
        for level, logits in enumerate(predictions.logits.split(anchors.counts, dim=1)):
            best = logits.topk(min(settings.nms_pre, logits.shape[1]), dim=1).indices
            indices.append(best + first)
            levels.append(best.new_full((best.shape[1],), level))
            first += logits.shape[1]
        index = torch.cat(indices, dim=1)
        with torch.autocast(index.device.type, enabled=False):
            scores = predictions.logits.gather(1, index).float().sigmoid()
            deltas = predictions.deltas.gather(1, index[..., None].expand(-1, -1, 4)).float()
            boxes = clip_boxes(self.coder.decode(anchors.boxes[index], deltas), sizes)
        kept = nms(
            boxes,
            scores,
            groups=torch.cat(levels),
            valid=have_extent(boxes, settings.min_size) & (scores >= settings.min_score),
            iou_threshold=settings.nms_iou,
            max_kept=settings.nms_post,
        )
        return boxes.gather(1, kept.indices[..., None].expand(-1, -1, 4)), kept
