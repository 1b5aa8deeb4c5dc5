"""How torchvision's detectors call what we call something else."""

from collections.abc import Collection

from specdet.models.weights.fixes import BackgroundFirst
from specdet.models.weights.rows import Row, is_dense

NEVER = -100.0  # a logit whose score is 0

FPN = (
    # With normalisation (the second versions), then without, then as the first files have it.
    Row("backbone.fpn.inner_blocks.{i}.{j}.{name}", ("neck.lateral_convs.{i}.{j}.{name}",)),
    Row("backbone.fpn.inner_blocks.{i}.0.{name}", ("neck.lateral_convs.{i}.{name}",)),
    Row("backbone.fpn.inner_blocks.{i}.{name}", ("neck.lateral_convs.{i}.{name}",), old=True),
    Row("backbone.fpn.layer_blocks.{i}.{j}.{name}", ("neck.fpn_convs.{i}.{j}.{name}",)),
    Row("backbone.fpn.layer_blocks.{i}.0.{name}", ("neck.fpn_convs.{i}.{name}",)),
    Row("backbone.fpn.layer_blocks.{i}.{name}", ("neck.fpn_convs.{i}.{name}",), old=True),
)

BODY = (
    Row("backbone.body.{i}.{rest}", ("backbone.features.{i}.{rest}",)),  # MobileNetV3
    Row("backbone.body.{rest}", ("backbone.{rest}",)),
)

TWO_STAGE = (
    Row("rpn.head.conv.{i}.0.{name}", ("rpn_head.rpn_conv.{i}.{name}",)),
    Row("rpn.head.conv.0.0.{name}", ("rpn_head.rpn_conv.{name}",)),
    Row("rpn.head.conv.{name}", ("rpn_head.rpn_conv.{name}",), old=True),
    Row("rpn.head.cls_logits.{name}", ("rpn_head.rpn_cls.{name}",)),
    Row("rpn.head.bbox_pred.{name}", ("rpn_head.rpn_reg.{name}",)),
    Row("roi_heads.box_head.{i}.{j}.{name}", ("roi_head.bbox_head.shared_convs.{i}.{j}.{name}",)),
    Row("roi_heads.box_head.{i}.0.{name}", ("roi_head.bbox_head.shared_convs.{i}.{name}",)),
    Row("roi_heads.box_head.fc{i+6}.{name}", ("roi_head.bbox_head.shared_fcs.{i}.{name}",)),
    Row(
        "roi_heads.box_predictor.cls_score.{name}",
        ("roi_head.bbox_head.fc_cls.{name}",),
        fix=BackgroundFirst(keep=True),
    ),
    Row("roi_heads.box_predictor.bbox_pred.{name}", ("roi_head.bbox_head.fc_reg.{name}",), fix=BackgroundFirst(rows=4)),
    Row("roi_heads.mask_head.{i}.{j}.{name}", ("roi_head.mask_head.convs.{i}.{j}.{name}",)),
    Row("roi_heads.mask_head.{i}.0.{name}", ("roi_head.mask_head.convs.{i}.{name}",)),
    Row("roi_heads.mask_head.mask_fcn{i+1}.{name}", ("roi_head.mask_head.convs.{i}.{name}",), old=True),
    Row("roi_heads.mask_predictor.conv5_mask.{name}", ("roi_head.mask_head.upsample.{name}",)),
    Row(
        "roi_heads.mask_predictor.mask_fcn_logits.{name}",
        ("roi_head.mask_head.conv_logits.{name}",),
        fix=BackgroundFirst(),
    ),
)
# Four convolutions and a flattening stand before the only layer of the second versions' head.
FC_BEHIND_CONVS = Row("roi_heads.box_head.{2i+5}.{name}", ("roi_head.bbox_head.shared_fcs.{i}.{name}",))


def _towers(*rows: tuple[str, str], old: bool = False) -> tuple[Row, ...]:
    """What stands behind `conv.` in both heads, and behind `cls_convs.` and `reg_convs.` with us."""
    return tuple(
        Row(
            f"head.{theirs}_head.conv.{behind_theirs}.{{name}}",
            (f"bbox_head.{ours}_convs.{behind_ours}.{{name}}",),
            old=old,
        )
        for theirs, ours in (("classification", "cls"), ("regression", "reg"))
        for behind_theirs, behind_ours in rows
    )


RETINA_TOWERS = (
    *_towers(("{i}.{j}", "{i}.{j}"), ("{i}.0", "{i}")),  # with normalisation, and without
    *_towers(("{2i}", "{i}"), old=True),
)
FCOS_TOWERS = _towers(("{3i}", "{i}.0"), ("{3i+1}", "{i}.1"))

DENSE = (
    Row("backbone.fpn.extra_blocks.p{i+6}.{name}", ("neck.fpn_convs.{i+3}.{name}",)),
    *FPN,
    Row(
        "head.classification_head.cls_logits.{name}",
        ("bbox_head.retina_cls.{name}", "bbox_head.conv_cls.{name}"),
        fix=BackgroundFirst(unused_bias=NEVER),
        deltas="head.regression_head.bbox_reg.bias",
    ),
    Row("head.regression_head.bbox_reg.{name}", ("bbox_head.retina_reg.{name}", "bbox_head.conv_reg.{name}")),
    Row("head.regression_head.bbox_ctrness.{name}", ("bbox_head.conv_centerness.{name}",)),
)

SSD = (
    Row("backbone.scale_weight", ("neck.l2_norm.weight",)),
    Row("backbone.extra.0.7.{i}.{name}", ("backbone.features.{i+30}.{name}",)),
    Row("backbone.extra.0.{i}.{name}", ("backbone.features.{i+23}.{name}",)),
    Row("backbone.features.{i}.{name}", ("backbone.features.{i}.{name}",)),
    Row("backbone.extra.{i+1}.{2j}.{name}", ("neck.extra_layers.{i}.{j}.{name}",)),
    Row(
        "head.classification_head.module_list.{i}.{name}",
        ("bbox_head.cls_convs.{i}.0.{name}",),
        fix=BackgroundFirst(keep=True),
        deltas="head.regression_head.module_list.{i}.bias",
    ),
    Row("head.regression_head.module_list.{i}.{name}", ("bbox_head.reg_convs.{i}.0.{name}",)),
)

SSD_LITE = (
    # The network is cut in the midst of its block 13, behind the convolution that widens it.
    Row("backbone.features.0.13.{rest}", ("backbone.features.13.block.0.{rest}",)),
    Row("backbone.features.1.0.{i}.{rest}", ("backbone.features.13.block.{i}.{rest}",)),
    Row("backbone.features.1.{i+1}.{rest}", ("backbone.features.{i+14}.{rest}",)),
    Row("backbone.features.0.{i}.{rest}", ("backbone.features.{i}.{rest}",)),
    Row("backbone.extra.{i}.{rest}", ("neck.extra_layers.{i}.{rest}",)),
    Row(
        "head.classification_head.module_list.{i}.1.{name}",
        ("bbox_head.cls_convs.{i}.1.{name}",),
        fix=BackgroundFirst(keep=True),
        deltas="head.regression_head.module_list.{i}.1.bias",
    ),
    Row("head.classification_head.module_list.{i}.{rest}", ("bbox_head.cls_convs.{i}.{rest}",)),
    Row("head.regression_head.module_list.{i}.{rest}", ("bbox_head.reg_convs.{i}.{rest}",)),
)


def torchvision_rows(ours: Collection[str]) -> tuple[Row, ...]:
    """The rows for a model with our names."""
    if any(name.startswith("neck.extra_layers.") for name in ours):
        return SSD if "backbone.features.2.weight" in ours else SSD_LITE
    if is_dense(ours):
        towers = FCOS_TOWERS if "bbox_head.conv_cls.weight" in ours else RETINA_TOWERS
        return (*towers, *DENSE, *BODY)
    convs = any(name.startswith("roi_head.bbox_head.shared_convs.") for name in ours)
    return (*((FC_BEHIND_CONVS,) if convs else ()), *TWO_STAGE, *FPN, *BODY)
