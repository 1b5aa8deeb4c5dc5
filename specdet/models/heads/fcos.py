"""The head of FCOS."""

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import torch
from torch import Tensor, nn

from specdet.boxes.formats import clip_boxes
from specdet.boxes.iou import elementwise_iou
from specdet.boxes.nms import Kept
from specdet.boxes.points import Points
from specdet.models.heads.best import best_detections
from specdet.models.heads.scale import Scale
from specdet.models.heads.spec import FCOSHeadSpec
from specdet.models.heads.towers import Tower, shared_channels, start_small
from specdet.models.reduction import count_of_ranks, reduce_loss
from specdet.models.slots import rows, with_a_slot
from specdet.structures import Batch

LARGEST_LOG = 11.0  # of a distance, e^11 px: more than any image, and far from where float32 ends
LEAST = {"loss/cls": 1.0, "loss/box": 1e-6, "loss/centerness": 1.0}  # of what losses are divided by


@attrs.frozen(kw_only=True, eq=False)
class PointOutputs:
    """What a head says of every point, in the order of `Points`.

    Attributes:
        logits: (N, A, K) of each class.
        distances: (N, A, 4) float32 px to the left, top, right and bottom of the box.
        centerness: (N, A) logits.
        points: The A points.
    """

    logits: Tensor
    distances: Tensor
    centerness: Tensor
    points: Points


@attrs.frozen(kw_only=True, eq=False)
class PointTargets:
    """What each point should say.

    Attributes:
        positive: (N, A) bool.
        labels: (N, A) int64; -1 where no object is to be told.
        boxes: (N, A, 4) float32 xyxy, px; anything where not positive.
        centerness: (N, A) float32, 0 to 1; 0 where not positive.
    """

    positive: Tensor
    labels: Tensor
    boxes: Tensor
    centerness: Tensor


class FCOSHead(nn.Module):
    """Classes, the distances to the four sides of a box, and centerness, at every point (arXiv:1904.01355).

    Args:
        spec: Shape, conventions and losses.
        in_channels: Of each level; all equal.
        strides: Of each level, px.
        num_classes: Without background.
        train: With `assigner`, `box_weight` and `loss_normalizer`.
        test: With `score` and what `best_detections` takes.

    Raises:
        ValueError: Where levels differ in channels, or the assigner does not fit them.
    """

    def __init__(
        self,
        spec: FCOSHeadSpec,
        *,
        in_channels: Sequence[int],
        strides: Sequence[int],
        num_classes: int,
        train: Any,
        test: Any,
    ):
        super().__init__()
        self.spec, self.train_spec, self.test_spec = spec, train, test
        channels = shared_channels(tuple(in_channels), head="FCOSHead")
        towers = [
            Tower(channels, spec.feat_channels, num_convs=spec.num_convs, norm=spec.norm, bias=spec.conv_bias or None)
            for _ in range(2)
        ]
        self.cls_convs, self.reg_convs = towers
        hidden = spec.feat_channels if spec.num_convs else channels
        self.conv_cls = nn.Conv2d(hidden, num_classes, kernel_size=3, padding=1)
        self.conv_reg = nn.Conv2d(hidden, 4, kernel_size=3, padding=1)
        self.conv_centerness = nn.Conv2d(hidden, 1, kernel_size=3, padding=1)
        self.scales = nn.ModuleList(Scale() if spec.scale_per_level else nn.Identity() for _ in strides)
        start_small(self, scores=self.conv_cls, prior_prob=spec.prior_prob)
        self.point_generator = spec.points.build(strides=strides)
        self.assigner = train.assigner.build(strides=strides)
        self.loss_cls = spec.loss_cls.build()
        self.loss_box = spec.loss_box.build()
        self.loss_centerness = spec.loss_centerness.build()

    def forward(self, features: Sequence[Tensor], *, image_size: tuple[int, int]) -> PointOutputs:
        """One (N, C, H, W) map a level, of images padded to `image_size`, to what is said of every point."""
        logits, distances, centerness = [], [], []
        for feature, scale in zip(features, self.scales, strict=True):
            cls, reg = self.cls_convs(feature), self.reg_convs(feature)
            logits.append(_in_row(self.conv_cls(cls)))
            distances.append(_in_row(scale(self.conv_reg(reg))))
            centerness.append(_in_row(self.conv_centerness(cls if self.spec.centerness_on == "cls" else reg)))
        sizes = tuple((each.shape[2], each.shape[3]) for each in features)
        points = self.point_generator(sizes, image_size=image_size, device=features[0].device)
        return PointOutputs(
            logits=torch.cat(logits, dim=1),
            distances=self._distances(torch.cat(distances, dim=1), points),
            centerness=torch.cat(centerness, dim=1).squeeze(-1),
            points=points,
        )

    def _distances(self, raw: Tensor, points: Points) -> Tensor:
        """(N, A, 4) outputs of the convolution to float32 px."""
        with torch.autocast(raw.device.type, enabled=False):
            if self.spec.distance == "exp":
                return raw.float().clamp(max=LARGEST_LOG).exp()
            return raw.float().clamp(min=0) * points.strides[:, None]

    @torch.no_grad()
    def targets(self, points: Points, batch: Batch) -> PointTargets:
        """What each point should say of a batch with targets."""
        assert batch.targets is not None, "losses are asked for with targets"
        truth = with_a_slot(batch.targets)
        with torch.autocast(truth.boxes.device.type, enabled=False):
            matched = self.assigner(points, truth.boxes, valid=truth.valid)
            positive, slot = matched >= 0, matched.clamp(min=0)
            boxes = rows(truth.boxes, slot)
            sides = torch.where(positive[..., None], points.distances(boxes), 1.0)
            ratios = [torch.minimum(sides[..., i], sides[..., i + 2]) / torch.maximum(sides[..., i], sides[..., i + 2])
                      for i in (0, 1)]  # fmt: skip
            return PointTargets(
                positive=positive,
                labels=torch.where(positive, truth.labels.gather(1, slot), -1),
                boxes=boxes,
                centerness=torch.where(positive, (ratios[0] * ratios[1]).sqrt(), 0.0),
            )

    @torch.no_grad()
    def counts(self, targets: PointTargets) -> dict[str, Tensor]:
        """Loss name to () float32: what the losses of these targets are divided by, if that is enough to divide by."""
        positives = targets.positive.sum().float()
        boxes = targets.centerness.sum() if self.train_spec.box_weight == "centerness" else positives
        return {"loss/cls": positives, "loss/box": boxes, "loss/centerness": positives}

    def normalizers(self, batch: Batch) -> dict[str, Tensor]:
        """Loss name to () float32 count of this batch, from its targets alone."""
        size = (batch.images.shape[-2], batch.images.shape[-1])
        points = self.point_generator(
            self.point_generator.feature_sizes(size), image_size=size, device=batch.images.device
        )
        return self.counts(self.targets(points, batch))

    def loss(self, outputs: PointOutputs, batch: Batch) -> dict[str, Tensor]:
        """The () float32 losses of one batch by name."""
        targets = self.targets(outputs.points, batch)
        normalizers: Mapping[str, Tensor] | None = batch.normalizers
        if normalizers is None:
            counts = self.counts(targets)
            own = torch.stack(list(counts.values()))
            shared = count_of_ranks(own, loss_normalizer=self.train_spec.loss_normalizer, training=self.training)
            normalizers = dict(zip(counts, shared.unbind(), strict=True))
        with torch.autocast(targets.boxes.device.type, enabled=False):
            classes = torch.arange(outputs.logits.shape[-1], device=targets.labels.device)
            boxes = outputs.points.boxes(outputs.distances)
            wanted = targets.labels[..., None] == classes
            if self.loss_cls.on == "qualities":
                wanted = wanted * elementwise_iou(boxes.detach(), targets.boxes)[..., None]
            cls_loss = self.loss_cls(outputs.logits.float(), wanted).sum(-1)
            box_loss = self.loss_box(boxes, targets.boxes)
            if self.train_spec.box_weight == "centerness":
                box_loss = box_loss * targets.centerness
            centerness_loss = self.loss_centerness(outputs.centerness.float(), targets.centerness)
            found = {"loss/cls": cls_loss, "loss/box": box_loss, "loss/centerness": centerness_loss}
            return {
                name: reduce_loss(
                    loss,
                    used=torch.ones_like(targets.positive) if name == "loss/cls" else targets.positive,
                    normalizer=normalizers[name].clamp(min=LEAST[name]),
                )
                for name, loss in found.items()
            }

    @torch.no_grad()
    def detect(self, outputs: PointOutputs, *, sizes: Tensor) -> tuple[Tensor, Kept, Tensor]:
        """The best boxes of each image: (N, D, 4) float32 xyxy px of the padded images, what is kept, (N, D) labels.

        Args:
            outputs: Of every point.
            sizes: (N, 2) height and width of each image without padding, px.
        """
        with torch.autocast(sizes.device.type, enabled=False):
            scores, centerness = outputs.logits.float().sigmoid(), outputs.centerness.float().sigmoid()
            factors = None
            if self.test_spec.score == "root":
                scores = (scores * centerness[..., None]).sqrt()
            else:
                factors = centerness
            return best_detections(
                scores,
                counts=outputs.points.counts,
                decode=lambda index: clip_boxes(outputs.points.at(index).boxes(rows(outputs.distances, index)), sizes),
                test=self.test_spec,
                factors=factors,
            )


def _in_row(maps: Tensor) -> Tensor:
    """(N, C, H, W) to (N, H W, C)."""
    return maps.permute(0, 2, 3, 1).flatten(1, 2)
