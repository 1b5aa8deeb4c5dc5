"""Stages of heads, each on the boxes of the one before."""

from collections.abc import Sequence
from typing import Any

import attrs
import torch
from torch import Tensor, nn

from specdet.boxes.formats import have_extent
from specdet.models.roi_heads.base import Found, RoIHead, best_of
from specdet.models.roi_heads.bbox_head import BBoxHead, BBoxOutputs
from specdet.models.roi_heads.mask_head import MaskHead
from specdet.models.roi_heads.sample import Proposals, RoISample, match, sample_proposals, taken
from specdet.models.roi_heads.spec import CascadeRoIHeadSpec
from specdet.models.slots import with_a_slot
from specdet.structures import Batch, Targets


class CascadeRoIHead(RoIHead):
    """Losses "loss/STAGE_cls" and "loss/STAGE_box" for each stage, times its weight.

    With masks also "loss/STAGE_mask", or "loss/mask" where they are told once.
    """

    def __init__(self, spec: CascadeRoIHeadSpec, **parent: Any):
        super().__init__(spec, **parent)
        self.stages = tuple(spec.stages.items())
        self.assigners = tuple(stage.assigner.build() for _, stage in self.stages)
        self.bbox_head = nn.ModuleList(self.make_bbox_head(stage.bbox_head) for _, stage in self.stages)
        heads = 0 if spec.mask_head is None else len(self.stages) if spec.masks == "every_stage" else 1
        self.mask_head = nn.ModuleList(self.make_mask_head() for _ in range(heads))

    def loss(self, features: Sequence[Tensor], proposals: Proposals, batch: Batch) -> dict[str, Tensor]:
        assert batch.targets is not None, "losses are asked for with targets"
        losses, sample = {}, None
        for number, (name, stage) in enumerate(self.stages):
            head = self._head(number)
            sample = self.sample(proposals, batch, number=number, before=sample)
            outputs = self.stage_outputs(head, features, sample.boxes)
            found = self.bbox_losses(head, outputs, sample, batch=batch, names=(f"loss/{name}_cls", f"loss/{name}_box"))
            if len(self.mask_head) and self.spec.masks == "every_stage":
                mask_head = self._mask_heads()[number]
                found |= self.mask_loss(mask_head, features, sample, batch=batch, name=f"loss/{name}_mask")
            losses |= {key: stage.weight * value for key, value in found.items()}
            if len(self.mask_head) and self.spec.masks == "once" and number == 0:
                losses |= self.mask_loss(self._mask_heads()[0], features, sample, batch=batch, name="loss/mask")
            if number + 1 < len(self.stages):
                refined = head.refine(sample.boxes, outputs, sizes=batch.sizes, labels=sample.labels)
                proposals = Proposals(boxes=refined, valid=sample.used & have_extent(refined))
        return losses

    def sample(self, proposals: Proposals, batch: Batch, *, number: int, before: RoISample | None) -> RoISample:
        """What a stage is trained on, given the boxes that come to it and the sample of the stage before."""
        assert batch.targets is not None, "losses are asked for with targets"
        assigner = self.assigners[number]
        if before is None or self.spec.resample:
            if before is not None:
                proposals = attrs.evolve(proposals, valid=proposals.valid & ~before.is_truth)
            return sample_proposals(
                proposals,
                batch.targets,
                assigner=assigner,
                sampler=self.sampler,
                train=self.train_spec,
                keys=batch.keys,
                num_classes=self.num_classes,
                stage=number,
            )
        return _all_of(proposals, before, with_a_slot(batch.targets), assigner=assigner, num_classes=self.num_classes)

    def stage_outputs(self, head: BBoxHead, features: Sequence[Tensor], boxes_xyxy: Tensor) -> BBoxOutputs:
        """What a stage says of (N, R, 4) boxes."""
        pooled = self.bbox_roi_extractor(features, boxes_xyxy)
        if self.spec.scale_gradients and pooled.requires_grad:
            pooled.register_hook(lambda gradient: gradient / len(self.stages))
        return head(pooled, num_images=len(boxes_xyxy))

    @torch.no_grad()
    def detect(self, features: Sequence[Tensor], proposals: Proposals, batch: Batch) -> Found:
        boxes, valid, said = proposals.boxes, proposals.valid, []
        for number in range(len(self.stages)):
            outputs = self.stage_outputs(self._head(number), features, boxes)
            logits = outputs.logits.float()
            said.append(logits if self.spec.average == "logits" else logits.softmax(dim=-1))
            if number + 1 < len(self.stages):
                boxes = self._head(number).refine(boxes, outputs, sizes=batch.sizes)
        mean = torch.stack(said).mean(dim=0)
        scores = mean.softmax(dim=-1) if self.spec.average == "logits" else mean
        decoded = self._head(-1).decode(boxes, outputs, sizes=batch.sizes)
        found = best_of(decoded, scores[..., :-1], valid=valid, test=self.test_spec)
        return self.with_masks(found, self._mask_heads(), features) if len(self.mask_head) else found

    def _head(self, number: int) -> BBoxHead:
        head = self.bbox_head[number]
        assert isinstance(head, BBoxHead)
        return head

    def _mask_heads(self) -> list[MaskHead]:
        return [head for head in self.mask_head if isinstance(head, MaskHead)]


@torch.no_grad()
def _all_of(proposals: Proposals, before: RoISample, targets: Targets, *, assigner: Any, num_classes: int) -> RoISample:
    """The sample of the stage before at the places where its boxes are now, matched anew."""
    matched = match(proposals, targets, assigner=assigner)
    index = torch.arange(matched.shape[1], device=matched.device).expand_as(matched)
    return taken(
        proposals, index=index, used=proposals.valid & (matched >= -1), matched=matched, is_truth=before.is_truth,
        targets=targets, num_classes=num_classes, most_positives=matched.shape[1],
    )  # fmt: skip
