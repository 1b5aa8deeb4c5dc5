"""torchvision's FPN detectors beside ours: the same layers by other names, and the spec that takes its conventions."""

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead
from torchvision.models.detection.transform import GeneralizedRCNNTransform

# torchvision's names of the layers of a Faster R-CNN with FPN, and ours of an RPN.
RENAMED = (
    (r"backbone\.body\.(.+)", r"backbone.\1"),
    (r"backbone\.fpn\.inner_blocks\.(\d+)\.0\.(.+)", r"neck.lateral_convs.\1.\2"),
    (r"backbone\.fpn\.layer_blocks\.(\d+)\.0\.(.+)", r"neck.fpn_convs.\1.\2"),
    (r"rpn\.head\.conv\.0\.0\.(.+)", r"rpn_head.rpn_conv.\1"),
    (r"rpn\.head\.cls_logits\.(.+)", r"rpn_head.rpn_cls.\1"),
    (r"rpn\.head\.bbox_pred\.(.+)", r"rpn_head.rpn_reg.\1"),
)
SIZES = ((32,), (64,), (128,), (256,), (512,))


def ours_of(name: str) -> str:
    """Our name of one of torchvision's weights. Raises KeyError for what has none."""
    for pattern, replacement in RENAMED:
        if re.fullmatch(pattern, name):
            return re.sub(pattern, replacement, name)
    raise KeyError(f"{name} has no name of ours")


def renamed_weights(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of torchvision's backbone, FPN and RPN under our names; those of its RoI heads are left out."""
    return {ours_of(name): value for name, value in state.items() if not name.startswith("roi_heads.")}


def rpn_table(depth: int, *, norm: str, frozen_stages: int = -1) -> dict[str, Any]:
    """An RPN with torchvision's conventions."""
    return {
        "type": "RPN",
        "backbone": {
            "type": "ResNet",
            "depth": depth,
            "norm": norm,
            "norm_eval": norm == "BN",
            "frozen_stages": frozen_stages,
        },
        "neck": {"type": "FPN", "extra_levels": 1, "extra_from": "max_pool"},
        "rpn_head": {
            "anchors": {"sizes": SIZES, "rounding": True, "stride_from": "image"},
            "coder": {"clamp": "max"},
            "loss_box": {"type": "SmoothL1", "beta": 1 / 9},
        },
        "train": {
            "assigner": {"min_pos_iou": 0.0, "low_quality": "best_kept"},
            "exclude_padding": False,
            "average": "sampled",
        },
        "test": {"nms_pre": 1000, "nms_post": 1000, "min_size": 1e-3},
    }


def proposal_network(channels: int) -> RegionProposalNetwork:
    """torchvision's RPN as its Faster R-CNN makes it, for levels of `channels` channels."""
    return RegionProposalNetwork(
        AnchorGenerator(SIZES, ((0.5, 1.0, 2.0),) * len(SIZES)),
        RPNHead(channels, num_anchors=3),
        fg_iou_thresh=0.7,
        bg_iou_thresh=0.3,
        batch_size_per_image=256,
        positive_fraction=0.5,
        pre_nms_top_n={"training": 2000, "testing": 1000},
        post_nms_top_n={"training": 2000, "testing": 1000},
        nms_thresh=0.7,
    )


class TorchvisionRPN(nn.Module):
    """Backbone and RPN as torchvision's detection models put them together, without RoI heads.

    Args:
        depth: Of the ResNet, whose norms are FrozenBatchNorm2d.
        trainable_layers: As in torchvision: 3 freezes the stem and the first stage.
    """

    def __init__(self, depth: int, *, trainable_layers: int = 5):
        super().__init__()
        # The images come in the size that they have; the normalisation is torchvision's own.
        self.transform = GeneralizedRCNNTransform(
            1, 1, image_mean=[0.485, 0.456, 0.406], image_std=[0.229, 0.224, 0.225], _skip_resize=True
        )
        self.backbone = resnet_fpn_backbone(
            backbone_name=f"resnet{depth}", weights=None, trainable_layers=trainable_layers
        )
        self.rpn = proposal_network(self.backbone.out_channels)


def rpn_outputs(
    model: nn.Module, images: list[Tensor], targets: list[dict[str, Tensor]] | None
) -> tuple[list[Tensor], list[Tensor], dict[str, Tensor]]:
    """Proposals, their scores and the losses of `images` (3, H, W) in 0..1, by torchvision's own code.

    `model` has torchvision's `transform`, `backbone` and `rpn`.
    """
    scores: list[list[Tensor]] = []
    filter_proposals = model.rpn.filter_proposals

    def keep_scores(*args):
        boxes, found = filter_proposals(*args)
        scores.append(found)
        return boxes, found

    model.transform.train()  # in evaluation it resizes whatever it is told
    model.rpn.filter_proposals = keep_scores
    try:
        batch, targets = model.transform(images, targets)
        boxes, losses = model.rpn(batch, model.backbone(batch.tensors), targets)
    finally:
        del model.rpn.filter_proposals
    return boxes, scores[0], losses


def give_random_weights(model: nn.Module, *, seed: int) -> None:
    """Weights for which no layer is trivial: other statistics in each norm, features neither vanish nor explode."""
    generator = torch.Generator().manual_seed(seed)

    def uniform(like: Tensor, low: float, high: float) -> Tensor:
        return torch.rand(like.shape, generator=generator) * (high - low) + low

    with torch.no_grad():
        for name, value in (*model.named_parameters(), *model.named_buffers()):
            if name.endswith("running_var"):
                value.copy_(uniform(value, 0.6, 1.6))
            elif name.endswith("running_mean") or name.endswith(".bias"):
                value.copy_(uniform(value, -0.1, 0.1))
            elif value.dim() == 1 and name.endswith(".weight"):
                value.copy_(uniform(value, 0.2, 0.7))
            elif value.dim() == 4:
                fan_in = value.shape[1] * value.shape[2] * value.shape[3]
                value.copy_(torch.randn(value.shape, generator=generator) * (1.5 / fan_in) ** 0.5)
