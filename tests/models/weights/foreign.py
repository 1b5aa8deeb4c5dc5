"""Names and shapes of weights as mmdetection and detectron2 have them, written down from their models."""

from collections.abc import Iterable

Shapes = dict[str, tuple[int, ...]]
STAGES = ((3, 64, 256), (4, 128, 512), (6, 256, 1024), (3, 512, 2048))  # of ResNet-50: blocks, width, channels
CLASSES = 80


def layer(name: str, *shape: int, bias: bool = True) -> Shapes:
    return {f"{name}.weight": shape, **({f"{name}.bias": shape[:1]} if bias else {})}


def norm(name: str, channels: int, *, counted: bool) -> Shapes:
    names = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{each}": (channels,) for each in names} | ({f"{name}.num_batches_tracked": ()} if counted else {})


def merged(parts: Iterable[Shapes]) -> Shapes:
    return {name: shape for part in parts for name, shape in part.items()}


# -- mmdetection


def mm_resnet50() -> Shapes:
    parts = [layer("backbone.conv1", 64, 3, 7, 7, bias=False), norm("backbone.bn1", 64, counted=True)]
    before = 64
    for stage, (blocks, width, channels) in enumerate(STAGES, start=1):
        for block in range(blocks):
            name = f"backbone.layer{stage}.{block}"
            convs = ((1, width, before, 1), (2, width, width, 3), (3, channels, width, 1))
            for number, out, into, kernel in convs:
                parts.append(layer(f"{name}.conv{number}", out, into, kernel, kernel, bias=False))
                parts.append(norm(f"{name}.bn{number}", out, counted=True))
            if block == 0:
                parts.append(layer(f"{name}.downsample.0", channels, before, 1, 1, bias=False))
                parts.append(norm(f"{name}.downsample.1", channels, counted=True))
            before = channels
    return merged(parts)


def mm_fpn(first: int, *, extra: tuple[int, ...] = ()) -> Shapes:
    """Of the stages from `first`, with extra convolutions of so many input channels."""
    channels = [each[2] for each in STAGES[first:]]
    laterals = (layer(f"neck.lateral_convs.{place}.conv", 256, into, 1, 1) for place, into in enumerate(channels))
    inputs = [256] * len(channels) + list(extra)
    outputs = (layer(f"neck.fpn_convs.{place}.conv", 256, into, 3, 3) for place, into in enumerate(inputs))
    return merged([*laterals, *outputs])


def mm_rpn_head(prefix: str = "rpn_head") -> Shapes:
    return merged(
        [
            layer(f"{prefix}.rpn_conv", 256, 256, 3, 3),
            layer(f"{prefix}.rpn_cls", 3, 256, 1, 1),
            layer(f"{prefix}.rpn_reg", 12, 256, 1, 1),
        ]
    )


def mm_box_head(prefix: str, *, boxes: int) -> Shapes:
    return merged(
        [
            layer(f"{prefix}.shared_fcs.0", 1024, 256 * 49),
            layer(f"{prefix}.shared_fcs.1", 1024, 1024),
            layer(f"{prefix}.fc_cls", CLASSES + 1, 1024),
            layer(f"{prefix}.fc_reg", 4 * boxes, 1024),
        ]
    )


def mm_mask_head(prefix: str) -> Shapes:
    return merged(
        [
            *(layer(f"{prefix}.convs.{place}.conv", 256, 256, 3, 3) for place in range(4)),
            layer(f"{prefix}.upsample", 256, 256, 2, 2),
            layer(f"{prefix}.conv_logits", CLASSES, 256, 1, 1),
        ]
    )


def mm_towers(*, normed: bool) -> Shapes:
    parts = []
    for tower in ("cls_convs", "reg_convs"):
        for place in range(4):
            parts.append(layer(f"bbox_head.{tower}.{place}.conv", 256, 256, 3, 3, bias=not normed))
            if normed:
                parts.append({f"bbox_head.{tower}.{place}.gn.{each}": (256,) for each in ("weight", "bias")})
    return merged(parts)


def mm_scales() -> Shapes:
    return {f"bbox_head.scales.{place}.scale": () for place in range(5)}


def mmdetection() -> dict[str, Shapes]:
    """Our name of each detector -> the weights of mmdetection's."""
    two_stage = [mm_resnet50(), mm_fpn(0), mm_rpn_head()]
    dense = [mm_resnet50(), mm_fpn(1, extra=(2048, 256))]
    stages = [mm_box_head(f"roi_head.bbox_head.{stage}", boxes=1) for stage in range(3)]
    return {
        "RPN": merged([mm_resnet50(), mm_fpn(0), mm_rpn_head()]),
        "RPN of its own": merged([mm_resnet50(), mm_fpn(0), mm_rpn_head("bbox_head")]),
        "FastRCNN": merged([mm_resnet50(), mm_fpn(0), mm_box_head("roi_head.bbox_head", boxes=CLASSES)]),
        "FasterRCNN": merged([*two_stage, mm_box_head("roi_head.bbox_head", boxes=CLASSES)]),
        "MaskRCNN": merged(
            [*two_stage, mm_box_head("roi_head.bbox_head", boxes=CLASSES), mm_mask_head("roi_head.mask_head")]
        ),
        "CascadeRCNN": merged([*two_stage, *stages]),
        "CascadeMaskRCNN": merged(
            [*two_stage, *stages, *(mm_mask_head(f"roi_head.mask_head.{stage}") for stage in range(3))]
        ),
        "RetinaNet": merged(
            [
                *dense,
                mm_towers(normed=False),
                layer("bbox_head.retina_cls", 9 * CLASSES, 256, 3, 3),
                layer("bbox_head.retina_reg", 9 * 4, 256, 3, 3),
            ]
        ),
        "FCOS": merged(
            [
                mm_resnet50(),
                mm_fpn(1, extra=(256, 256)),
                mm_towers(normed=True),
                layer("bbox_head.conv_cls", CLASSES, 256, 3, 3),
                layer("bbox_head.conv_reg", 4, 256, 3, 3),
                layer("bbox_head.conv_centerness", 1, 256, 3, 3),
                mm_scales(),
            ]
        ),
        "ATSS": merged(
            [
                mm_resnet50(),
                mm_fpn(1, extra=(256, 256)),
                mm_towers(normed=True),
                layer("bbox_head.atss_cls", CLASSES, 256, 3, 3),
                layer("bbox_head.atss_reg", 4, 256, 3, 3),
                layer("bbox_head.atss_centerness", 1, 256, 3, 3),
                mm_scales(),
            ]
        ),
        "SSD": mm_ssd(),
    }


def mm_ssd() -> Shapes:
    vgg = ((0, 64, 3), (2, 64, 64), (5, 128, 64), (7, 128, 128), (10, 256, 128), (12, 256, 256), (14, 256, 256),
           (17, 512, 256), (19, 512, 512), (21, 512, 512), (24, 512, 512), (26, 512, 512), (28, 512, 512),
           (31, 1024, 512))  # fmt: skip
    parts = [layer(f"backbone.features.{place}", out, into, 3, 3) for place, out, into in vgg]
    parts += [layer("backbone.features.33", 1024, 1024, 1, 1), {"neck.l2_norm.weight": (512,)}]
    for place, (into, out) in enumerate(((1024, 512), (512, 256), (256, 256), (256, 256))):
        parts.append(layer(f"neck.extra_layers.{place}.0.conv", out // 2, into, 1, 1))
        parts.append(layer(f"neck.extra_layers.{place}.1.conv", out, out // 2, 3, 3))
    for place, (channels, anchors) in enumerate(zip((512, 1024, 512, 256, 256, 256), (4, 6, 6, 6, 4, 4), strict=True)):
        parts.append(layer(f"bbox_head.cls_convs.{place}.0", anchors * (CLASSES + 1), channels, 3, 3))
        parts.append(layer(f"bbox_head.reg_convs.{place}.0", anchors * 4, channels, 3, 3))
    return merged(parts)


# -- detectron2, whose frozen norms count nothing


def d2_resnet50() -> Shapes:
    stem = "backbone.bottom_up.stem.conv1"
    parts = [layer(stem, 64, 3, 7, 7, bias=False), norm(f"{stem}.norm", 64, counted=False)]
    before = 64
    for stage, (blocks, width, channels) in enumerate(STAGES, start=2):
        for block in range(blocks):
            name = f"backbone.bottom_up.res{stage}.{block}"
            convs = [("conv1", width, before, 1), ("conv2", width, width, 3), ("conv3", channels, width, 1)]
            convs += [("shortcut", channels, before, 1)] * (block == 0)
            for each, out, into, kernel in convs:
                parts.append(layer(f"{name}.{each}", out, into, kernel, kernel, bias=False))
                parts.append(norm(f"{name}.{each}.norm", out, counted=False))
            before = channels
    return merged(parts)


def d2_fpn(first: int) -> Shapes:
    parts = []
    for level, (_, _, channels) in enumerate(STAGES[first - 2 :], start=first):
        parts.append(layer(f"backbone.fpn_lateral{level}", 256, channels, 1, 1))
        parts.append(layer(f"backbone.fpn_output{level}", 256, 256, 3, 3))
    return merged(parts)


def d2_box(stage: str, *, boxes: int) -> Shapes:
    return merged(
        [
            layer(f"roi_heads.box_head{stage}.fc1", 1024, 256 * 49),
            layer(f"roi_heads.box_head{stage}.fc2", 1024, 1024),
            layer(f"roi_heads.box_predictor{stage}.cls_score", CLASSES + 1, 1024),
            layer(f"roi_heads.box_predictor{stage}.bbox_pred", 4 * boxes, 1024),
        ]
    )


def d2_mask() -> Shapes:
    return merged(
        [
            *(layer(f"roi_heads.mask_head.mask_fcn{place}", 256, 256, 3, 3) for place in range(1, 5)),
            layer("roi_heads.mask_head.deconv", 256, 256, 2, 2),
            layer("roi_heads.mask_head.predictor", CLASSES, 256, 1, 1),
        ]
    )


def d2_towers(step: int) -> Shapes:
    """Of convolutions `step` apart; where there are three, the second is a norm."""
    parts = []
    for tower in ("cls_subnet", "bbox_subnet"):
        for place in range(4):
            parts.append(layer(f"head.{tower}.{step * place}", 256, 256, 3, 3))
            if step == 3:
                parts.append({f"head.{tower}.{step * place + 1}.{each}": (256,) for each in ("weight", "bias")})
    return merged(parts)


def detectron2() -> dict[str, Shapes]:
    """Our name of each detector -> the weights of detectron2's."""
    rpn = [
        layer("proposal_generator.rpn_head.conv", 256, 256, 3, 3),
        layer("proposal_generator.rpn_head.objectness_logits", 3, 256, 1, 1),
        layer("proposal_generator.rpn_head.anchor_deltas", 12, 256, 1, 1),
    ]
    two_stage = [d2_resnet50(), d2_fpn(2), *rpn]
    stages = [d2_box(f".{stage}", boxes=1) for stage in range(3)]
    top = {"backbone.top_block.p7": 256}
    p6 = {"RetinaNet": 2048, "FCOS": 256}
    extra = {
        kind: merged([layer("backbone.top_block.p6", 256, into, 3, 3), *(layer(name, 256, 256, 3, 3) for name in top)])
        for kind, into in p6.items()
    }
    return {
        "RPN": merged(two_stage),
        "FasterRCNN": merged([*two_stage, d2_box("", boxes=CLASSES)]),
        "MaskRCNN": merged([*two_stage, d2_box("", boxes=CLASSES), d2_mask()]),
        "CascadeRCNN": merged([*two_stage, *stages]),
        "CascadeMaskRCNN": merged([*two_stage, *stages, d2_mask()]),
        "RetinaNet": merged(
            [
                d2_resnet50(),
                d2_fpn(3),
                extra["RetinaNet"],
                d2_towers(2),
                layer("head.cls_score", 9 * CLASSES, 256, 3, 3),
                layer("head.bbox_pred", 9 * 4, 256, 3, 3),
            ]
        ),
        "FCOS": merged(
            [
                d2_resnet50(),
                d2_fpn(3),
                extra["FCOS"],
                d2_towers(3),
                layer("head.cls_score", CLASSES, 256, 3, 3),
                layer("head.bbox_pred", 4, 256, 3, 3),
                layer("head.ctrness", 1, 256, 3, 3),
            ]
        ),
    }
