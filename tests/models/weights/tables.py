"""Detectors whose weights other tools publish, as tables; as far as names and shapes of weights tell them apart."""

from typing import Any

R50: dict[str, Any] = {"type": "ResNet", "depth": 50}
DENSE_R50 = {**R50, "out_stages": [2, 3, 4]}
FPN: dict[str, Any] = {"type": "FPN", "extra_levels": 1, "extra_from": "max_pool"}
BN_FPN = {**FPN, "norm": "BN"}
P5_FPN = {"type": "FPN", "extra_levels": 2, "extra_from": "output"}
C5_FPN = {"type": "FPN", "extra_levels": 2, "extra_from": "input"}
SECOND_RPN = {"num_convs": 2}
SECOND_BOX = {"num_convs": 4, "num_fcs": 1, "norm": "BN"}

# torchvision's maker -> ours.
TORCHVISION: dict[str, dict[str, Any]] = {
    "fasterrcnn_resnet50_fpn": {"type": "FasterRCNN", "backbone": R50, "neck": FPN},
    "fasterrcnn_resnet50_fpn_v2": {
        "type": "FasterRCNN",
        "backbone": R50,
        "neck": BN_FPN,
        "rpn_head": SECOND_RPN,
        "roi_head": {"bbox_head": SECOND_BOX},
    },
    "maskrcnn_resnet50_fpn": {"type": "MaskRCNN", "backbone": R50, "neck": FPN},
    "maskrcnn_resnet50_fpn_v2": {
        "type": "MaskRCNN",
        "backbone": R50,
        "neck": BN_FPN,
        "rpn_head": SECOND_RPN,
        "roi_head": {"bbox_head": SECOND_BOX, "mask_head": {"norm": "BN"}},
    },
    "retinanet_resnet50_fpn": {"type": "RetinaNet", "backbone": DENSE_R50, "neck": P5_FPN},
    "retinanet_resnet50_fpn_v2": {
        "type": "RetinaNet",
        "backbone": DENSE_R50,
        "neck": C5_FPN,
        "bbox_head": {"norm": "GN"},
    },
    "fcos_resnet50_fpn": {
        "type": "FCOS",
        "backbone": DENSE_R50,
        "neck": P5_FPN,
        "bbox_head": {"conv_bias": True, "scale_per_level": False},
    },
    "ssd300_vgg16": {"type": "SSD", "backbone": {"type": "VGG"}, "neck": {"type": "SSDExtra", "l2_norm_scale": 20.0}},
    "ssdlite320_mobilenet_v3_large": {
        "type": "SSD",
        "backbone": {
            "type": "MobileNetV3",
            "reduced_tail": True,
            "out_stages": [4, 5],
            "features_of": "expansion",
        },
        "neck": {
            "type": "SSDExtra",
            "channels": [512, 256, 256, 128],
            "conv_strides": [2, 2, 2, 2],
            "paddings": [1, 1, 1, 1],
            "depthwise": True,
            "norm": "BN",
        },
        "bbox_head": {"depthwise": True, "anchors": {"ratios": [[2.0, 3.0]] * 6, "min_scale": 0.2, "max_scale": 0.95}},
    },
}
