"""One head on proposals."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from specdet.models.roi_heads.base import Found, RoIHead, best_of
from specdet.models.roi_heads.sample import Proposals, RoISample, sample_proposals
from specdet.models.roi_heads.spec import StandardRoIHeadSpec
from specdet.structures import Batch


class StandardRoIHead(RoIHead):
    """Losses "loss/cls", "loss/box" and, with a mask head, "loss/mask".

    `train` has an `assigner` besides what every head on proposals has.
    """

    loss_names = ("loss/cls", "loss/box")

    def __init__(self, spec: StandardRoIHeadSpec, *, train: Any, **parent: Any):
        super().__init__(spec, train=train, **parent)
        self.assigner = train.assigner.build()
        self.bbox_head = self.make_bbox_head(spec.bbox_head)
        self.mask_head = self.make_mask_head() if spec.mask_head is not None else None

    def sample(self, proposals: Proposals, batch: Batch) -> RoISample:
        """What the head is trained on."""
        assert batch.targets is not None, "losses are asked for with targets"
        return sample_proposals(
            proposals,
            batch.targets,
            assigner=self.assigner,
            sampler=self.sampler,
            train=self.train_spec,
            keys=batch.keys,
            num_classes=self.num_classes,
        )

    def loss(self, features: Sequence[Tensor], proposals: Proposals, batch: Batch) -> dict[str, Tensor]:
        sample = self.sample(proposals, batch)
        outputs = self.bbox_outputs(self.bbox_head, features, sample.boxes)
        losses = self.bbox_losses(self.bbox_head, outputs, sample, batch=batch, names=self.loss_names)
        if self.mask_head is not None:
            losses |= self.mask_loss(self.mask_head, features, sample, batch=batch, name="loss/mask")
        return losses

    @torch.no_grad()
    def detect(self, features: Sequence[Tensor], proposals: Proposals, batch: Batch) -> Found:
        outputs = self.bbox_outputs(self.bbox_head, features, proposals.boxes)
        scores = outputs.logits.float().softmax(dim=-1)[..., :-1]
        boxes = self.bbox_head.decode(proposals.boxes, outputs, sizes=batch.sizes)
        found = best_of(boxes, scores, valid=proposals.valid, test=self.test_spec)
        return found if self.mask_head is None else self.with_masks(found, [self.mask_head], features)
