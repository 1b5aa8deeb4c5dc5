"""Masks beside boxes: what heads on proposals do with their mask heads."""

from collections.abc import Sequence
from typing import Any

import attrs
import torch
from torch import Tensor
from torch.nn.functional import pad

from specdet.masks.crop import known_masks
from specdet.models.roi_heads.mask_head import MaskHead
from specdet.models.roi_heads.roi_extractor import RoIExtractor
from specdet.models.roi_heads.sample import RoISample
from specdet.models.slots import rows
from specdet.structures import Targets


def positives(sample: RoISample) -> RoISample:
    """As many slots of a sample as there can be positives: these, then repetitions of them, which do not count.

    Normalisation over the batch would else learn what negatives look like, and never see one when it is tested. An
    image without a positive keeps its negatives.
    """
    count = sample.positive.sum(dim=1, keepdim=True)
    place = torch.arange(sample.most_positives, device=count.device).expand(len(count), -1)
    first = sample.positive.int().argsort(dim=1, descending=True, stable=True)
    index = first.gather(1, torch.where(count > 0, place % count.clamp(min=1), place))
    slots = {name: getattr(sample, name).gather(1, index) for name in ("slots", "labels", "is_truth")}
    boxes = {name: rows(getattr(sample, name), index) for name in ("boxes", "truth")}
    own = place < count
    return attrs.evolve(sample, **slots, **boxes, used=own, positive=own)


def masks_of(targets: Targets) -> Tensor:
    """The masks (N, M, H, W) of a batch, M >= 1. Raises ValueError where it brings none."""
    if targets.masks is None:
        raise ValueError("this batch brings no masks, and the detector learns some: build its data set with masks")
    return targets.masks if targets.masks.shape[1] else pad(targets.masks, (0, 0, 0, 0, 0, 1))


def mask_losses(
    head: MaskHead, extractor: RoIExtractor, features: Sequence[Tensor], sample: RoISample, masks: Tensor
) -> tuple[Tensor, Tensor]:
    """(N, P) float32 losses of the slots in which positives can be, and which of them count.

    An object whose mask nobody knows is left out.
    """
    own = positives(sample)
    losses = head.loss(head(extractor(features, own.boxes)), own, masks)
    return losses, own.positive & known_masks(masks).gather(1, own.slots)


@torch.no_grad()
def mask_probabilities(
    heads: Sequence[MaskHead], extractor: RoIExtractor, features: Sequence[Tensor], boxes_xyxy: Tensor, labels: Tensor
) -> Tensor:
    """The mean of what some heads say of (N, D, 4) boxes of (N, D) classes: (N, D, S, S) float32 0 to 1."""
    pooled = extractor(features, boxes_xyxy)
    said: list[Any] = [head.of_classes(head(pooled).float(), labels.flatten()).sigmoid() for head in heads]
    return torch.stack(said).mean(dim=0).unflatten(0, labels.shape)
