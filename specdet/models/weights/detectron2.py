"""How detectron2 calls what we call something else."""

from collections.abc import Collection

from specdet.models.weights.fixes import SizeMajor
from specdet.models.weights.rows import Row, conv_rows, is_dense

STAGES = 3  # of Cascade R-CNN

BACKBONE = (
    Row("pixel_mean", why="says how images are normalised, which the spec's model.preprocess does"),
    Row("pixel_std", why="says how images are normalised, which the spec's model.preprocess does"),
    Row("anchor_generator.{rest}", why="are anchors, which the spec's head makes"),
    Row("proposal_generator.anchor_generator.{rest}", why="are anchors, which the spec's head makes"),
    Row("backbone.bottom_up.stem.conv1.norm.{name}", ("backbone.bn1.{name}",)),
    Row("backbone.bottom_up.stem.conv1.{name}", ("backbone.conv1.{name}",)),
    Row("backbone.bottom_up.res{i+1}.{b}.shortcut.norm.{name}", ("backbone.layer{i}.{b}.downsample.1.{name}",)),
    Row("backbone.bottom_up.res{i+1}.{b}.shortcut.{name}", ("backbone.layer{i}.{b}.downsample.0.{name}",)),
    Row("backbone.bottom_up.res{i+1}.{b}.conv{c}.norm.{name}", ("backbone.layer{i}.{b}.bn{c}.{name}",)),
    Row("backbone.bottom_up.res{i+1}.{b}.conv{c}.{name}", ("backbone.layer{i}.{b}.conv{c}.{name}",)),
)


def _fpn(first: int) -> tuple[Row, ...]:
    """Of a pyramid whose finest level has number `first`."""
    return (
        *conv_rows(f"backbone.fpn_lateral{{i+{first}}}", "neck.lateral_convs.{i}", norm=".norm"),
        *conv_rows(f"backbone.fpn_output{{i+{first}}}", "neck.fpn_convs.{i}", norm=".norm"),
    )


DENSE = (
    Row("backbone.top_block.p{i+6}.{name}", ("neck.fpn_convs.{i+3}.{name}",)),
    *(
        row
        for theirs, ours in (("cls_subnet", "cls_convs"), ("bbox_subnet", "reg_convs"))
        for row in (
            # FCOS has a normalisation between a convolution and its ReLU, RetinaNet none.
            Row(f"head.{theirs}.{{3i}}.{{name}}", (f"bbox_head.{ours}.{{i}}.0.{{name}}",)),
            Row(f"head.{theirs}.{{3i+1}}.{{name}}", (f"bbox_head.{ours}.{{i}}.1.{{name}}",)),
            Row(f"head.{theirs}.{{2i}}.{{name}}", (f"bbox_head.{ours}.{{i}}.{{name}}",)),
        )
    ),
    *(
        Row(
            f"head.{theirs}.{{name}}",
            tuple(f"bbox_head.{each}.{{name}}" for each in ours),
            fix=SizeMajor(),
            deltas="head.bbox_pred.bias",
        )
        for theirs, ours in (("cls_score", ("retina_cls", "conv_cls")), ("bbox_pred", ("retina_reg", "conv_reg")))
    ),
    Row("head.ctrness.{name}", ("bbox_head.conv_centerness.{name}",)),
)

TWO_STAGE = (
    Row("proposal_generator.rpn_head.conv.conv{i}.{name}", ("rpn_head.rpn_conv.{i}.{name}",)),
    Row("proposal_generator.rpn_head.conv.{name}", ("rpn_head.rpn_conv.{name}",)),
    Row("proposal_generator.rpn_head.objectness_logits.{name}", ("rpn_head.rpn_cls.{name}",)),
    Row("proposal_generator.rpn_head.anchor_deltas.{name}", ("rpn_head.rpn_reg.{name}",)),
    *(
        row
        for stage in ("", ".{s}")
        for row in (
            Row(
                f"roi_heads.box_head{stage}.fc{{i+1}}.{{name}}",
                (f"roi_head.bbox_head{stage}.shared_fcs.{{i}}.{{name}}",),
            ),
            *conv_rows(
                f"roi_heads.box_head{stage}.conv{{i+1}}", f"roi_head.bbox_head{stage}.shared_convs.{{i}}", norm=".norm"
            ),
            Row(f"roi_heads.box_predictor{stage}.cls_score.{{name}}", (f"roi_head.bbox_head{stage}.fc_cls.{{name}}",)),
            Row(f"roi_heads.box_predictor{stage}.bbox_pred.{{name}}", (f"roi_head.bbox_head{stage}.fc_reg.{{name}}",)),
        )
    ),
    # The one mask head of its cascade serves all of ours, whose mean is then what it says.
    *(
        Row(
            f"roi_heads.mask_head.{theirs}.{{name}}",
            tuple(f"roi_head.mask_head{stage}.{ours}.{{name}}" for stage in ("", *(f".{s}" for s in range(STAGES)))),
            every=True,
        )
        for theirs, ours in (("mask_fcn{i+1}", "convs.{i}"), ("deconv", "upsample"), ("predictor", "conv_logits"))
    ),
    *(
        Row(
            f"roi_heads.mask_head.mask_fcn{{i+1}}.{theirs}{{name}}",
            (f"roi_head.mask_head.convs.{{i}}.{ours}.{{name}}",),
        )
        for theirs, ours in (("norm.", 1), ("", 0))
    ),
)


def detectron2_rows(ours: Collection[str]) -> tuple[Row, ...]:
    """The rows for a model with our names."""
    if is_dense(ours):
        return (*BACKBONE, *_fpn(3), *DENSE)
    return (*BACKBONE, *_fpn(2), *TWO_STAGE)
