"""The head of SSD and SSDLite."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from specdet.boxes.anchors import Anchors
from specdet.boxes.formats import clip_boxes
from specdet.boxes.grids import Size
from specdet.boxes.nms import Kept
from specdet.models.heads.anchored_head import AnchoredHead
from specdet.models.heads.best import best_detections
from specdet.models.heads.dense_anchor_head import DensePredictions
from specdet.models.heads.hard_negatives import hard_negatives
from specdet.models.heads.spec import SSDHeadSpec
from specdet.models.norm import norm_layer
from specdet.models.reduction import count_of_ranks, reduce_loss
from specdet.models.slots import rows
from specdet.structures import Batch

LOSS_NAMES = ("loss/cls", "loss/box")


class SSDHead(AnchoredHead):
    """Convolutions of their own for each level: classes with background, and deltas of every default box.

    Args:
        spec: Shape, anchors, coder and losses.
        in_channels: Of each level.
        strides: Of each level, px.
        num_classes: Without background.
        train: With `assigner`, `neg_ratio`, `average` and `loss_normalizer`.
        test: With `best_of` and what `best_detections` takes.

    Raises:
        ValueError: Where the anchors do not fit the levels.
    """

    def __init__(
        self,
        spec: SSDHeadSpec,
        *,
        in_channels: Sequence[int],
        strides: Sequence[int],
        num_classes: int,
        train: Any,
        test: Any,
    ):
        super().__init__(spec, strides=strides, train=train)
        self.test_spec, self.num_classes = test, num_classes
        counts = self.anchor_generator.counts
        levels = list(zip(in_channels, counts, strict=True))
        self.cls_convs = nn.ModuleList(_level(spec, channels, (num_classes + 1) * count) for channels, count in levels)
        self.reg_convs = nn.ModuleList(_level(spec, channels, 4 * count) for channels, count in levels)

    def forward(self, features: Sequence[Tensor], *, image_size: Size) -> DensePredictions:
        """One (N, C, H, W) map a level, of images padded to `image_size`, to what is said of every anchor.

        `logits` are (N, A, K + 1), background last.
        """
        sizes = tuple((each.shape[2], each.shape[3]) for each in features)
        return DensePredictions(
            logits=_in_row(features, self.cls_convs, columns=self.num_classes + 1),
            deltas=_in_row(features, self.reg_convs, columns=4),
            anchors=self.anchor_generator(sizes, image_size=image_size, device=features[0].device),
        )

    def count(self, positive: Tensor) -> Tensor:
        """() float32: what the losses of (N, A) positives are divided by, if that is enough to divide by."""
        least = 1 if self.train_spec.average == "at_least_one" else 0
        return positive.sum(dim=1).clamp(min=least).sum().float()

    def normalizers(self, batch: Batch, *, feature_sizes: Sequence[Size]) -> dict[str, Tensor]:
        """Loss name to () float32 count of this batch, from its targets alone.

        Args:
            feature_sizes: Height and width of each level, cells.
        """
        size = (batch.images.shape[-2], batch.images.shape[-1])
        anchors = self.anchor_generator(feature_sizes, image_size=size, device=batch.images.device)
        matched, _ = self.assign(anchors, batch)
        return dict.fromkeys(LOSS_NAMES, self.count(matched >= 0))

    def loss(self, predictions: DensePredictions, batch: Batch) -> dict[str, Tensor]:
        """The () float32 losses of one batch by name."""
        anchors = predictions.anchors
        matched, targets = self.assign(anchors, batch)
        positive, slot = matched >= 0, matched.clamp(min=0)
        normalizers = batch.normalizers
        if normalizers is None:
            own = self.count(positive)
            shared = count_of_ranks(own, loss_normalizer=self.train_spec.loss_normalizer, training=self.training)
            normalizers = dict.fromkeys(LOSS_NAMES, shared)
        with torch.autocast(matched.device.type, enabled=False):
            labels = torch.where(positive, targets.labels.gather(1, slot), self.num_classes)
            cls_loss = self.loss_cls(predictions.logits.float(), labels)
            hard = hard_negatives(cls_loss, positive=positive, negative=matched == -1, ratio=self.train_spec.neg_ratio)
            boxes = torch.where(positive[..., None], rows(targets.boxes, slot), anchors.boxes)
            deltas = predictions.deltas.float()
            if self.loss_box.on == "boxes":
                box_loss = self.loss_box(self.coder.decode(anchors.boxes, deltas), boxes)
            else:
                box_loss = self.loss_box(deltas, self.coder.encode(anchors.boxes, boxes))
            divisors = {name: count.clamp(min=1) for name, count in normalizers.items()}
            return {
                "loss/cls": reduce_loss(cls_loss, used=positive | hard, normalizer=divisors["loss/cls"]),
                "loss/box": reduce_loss(box_loss, used=positive, normalizer=divisors["loss/box"]),
            }

    @torch.no_grad()
    def detect(self, predictions: DensePredictions, *, sizes: Tensor) -> tuple[Tensor, Kept, Tensor]:
        """The best boxes of each image: (N, D, 4) float32 xyxy px of the padded images, what is kept, (N, D) labels.

        Args:
            predictions: Of every anchor.
            sizes: (N, 2) height and width of each image without padding, px.
        """
        anchors = predictions.anchors

        def decode(index: Tensor) -> Tensor:
            return clip_boxes(self.coder.decode(anchors.boxes[index], rows(predictions.deltas, index).float()), sizes)

        with torch.autocast(sizes.device.type, enabled=False):
            scores = predictions.logits.float().softmax(dim=-1)[..., :-1]
            return best_detections(
                scores,
                counts=anchors.counts,
                decode=decode,
                test=self.test_spec,
                best_of=self.test_spec.best_of,
            )

    def _candidates(self, anchors: Anchors, batch: Batch) -> None:
        """All anchors take part: images of one size have no padding."""


def _level(spec: SSDHeadSpec, in_channels: int, out_channels: int) -> nn.Sequential:
    """The convolution of one level, behind a depthwise one in SSDLite."""
    layers: list[nn.Module] = []
    if spec.depthwise:
        norm = norm_layer(spec.norm, eps=spec.norm_eps, momentum=spec.norm_momentum)
        assert norm is not None, "a depthwise convolution is normalised"
        depthwise = nn.Conv2d(in_channels, in_channels, 3, padding=1, groups=in_channels, bias=False)
        layers.append(nn.Sequential(depthwise, norm(in_channels), nn.ReLU6(inplace=True)))
    size = 1 if spec.depthwise else 3
    layers.append(nn.Conv2d(in_channels, out_channels, size, padding=size // 2))
    level = nn.Sequential(*layers)
    for module in level.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return level


def _in_row(features: Sequence[Tensor], convs: nn.ModuleList, *, columns: int) -> Tensor:
    """One (N, C, H, W) map a level to (N, A, columns)."""
    maps = [conv(feature) for feature, conv in zip(features, convs, strict=True)]
    return torch.cat([each.permute(0, 2, 3, 1).reshape(len(each), -1, columns) for each in maps], dim=1)
