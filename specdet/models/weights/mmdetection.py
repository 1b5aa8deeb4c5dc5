"""How mmdetection (2.x and 3.x) calls what we call something else: mostly its `.conv` and `.bn` inside of layers."""

from collections.abc import Collection

from specdet.models.weights.rows import Row, conv_rows

FIRST_VERSION = "is of mmdetection 1.x: bring the file to 2.x by mmdetection's upgrade_model_version.py first"


def _layers(theirs: str, ours: str) -> tuple[Row, ...]:
    """A ConvModule, whose normalisation is called by its kind."""
    return (*conv_rows(theirs, ours, conv=".conv", norm=".bn"), *conv_rows(theirs, ours, norm=".gn")[:1])


ROWS = (
    Row("data_preprocessor.{rest}", why="says how images are normalised, which the spec's model.preprocess does"),
    *(Row(f"bbox_head.{part}.{{rest}}", why=FIRST_VERSION) for part in ("fc_cls", "fc_reg", "shared_fcs")),
    Row("mask_head.{rest}", why=FIRST_VERSION),
    *_layers("neck.lateral_convs.{i}", "neck.lateral_convs.{i}"),
    *_layers("neck.fpn_convs.{i}", "neck.fpn_convs.{i}"),
    # SSD; before 2.14, its extra layers belonged to the backbone.
    *_layers("neck.extra_layers.{i}.{j}", "neck.extra_layers.{i}.{j}"),
    Row("backbone.l2_norm.weight", ("neck.l2_norm.weight",)),
    Row("backbone.extra.{2i}.{name}", ("neck.extra_layers.{i}.0.{name}",)),
    Row("backbone.extra.{2i+1}.{name}", ("neck.extra_layers.{i}.1.{name}",)),
    # An RPN of its own, which stands where single-stage detectors have their head.
    Row("bbox_head.rpn_{rest}", ("rpn_head.rpn_{rest}",)),
    Row("rpn_head.rpn_conv.{i}.conv.{name}", ("rpn_head.rpn_conv.{i}.{name}",)),
    *(
        row
        for part in ("cls_convs", "reg_convs")
        for row in _layers(f"bbox_head.{part}.{{i}}", f"bbox_head.{part}.{{i}}")
    ),
    *(
        row
        for stage in ("", ".{s}")
        for row in (
            *_layers(f"roi_head.bbox_head{stage}.shared_convs.{{i}}", f"roi_head.bbox_head{stage}.shared_convs.{{i}}"),
            *_layers(f"roi_head.mask_head{stage}.convs.{{i}}", f"roi_head.mask_head{stage}.convs.{{i}}"),
        )
    ),
    Row("{rest}", ("{rest}",)),
    Row("bbox_head.cls_convs.{i}.{name}", ("bbox_head.cls_convs.{i}.0.{name}",)),
    Row("bbox_head.reg_convs.{i}.{name}", ("bbox_head.reg_convs.{i}.0.{name}",)),
)


def mmdetection_rows(ours: Collection[str]) -> tuple[Row, ...]:
    """The rows for a model with our names."""
    return ROWS
