"""Specs of heads."""

from typing import ClassVar, Literal

from specdet.spec import Spec, component, field, spec


@spec
class RPNHeadSpec(Spec):
    """Region proposals: object or not, and a box, at every anchor (Ren et al. 2015, arXiv:1506.01497)."""

    builds: ClassVar[str] = "specdet.models.heads.rpn:RPNHead"

    feat_channels: int = field(256, ge=1, reference=True, help="Channels of the 3x3 convolutions.")
    num_convs: int = field(1, ge=1, help="Number of 3x3 convolutions, shared by all levels.")
    anchors: Spec = component("anchors", default={"type": "AnchorGenerator"}, help="Reference boxes.")
    coder: Spec = component("coder", default={"type": "DeltaXYWH"}, help="What the head predicts for a box.")
    loss_cls: Spec = component("loss", default={"type": "BinaryCrossEntropy"}, help="Loss of object or not.")
    loss_box: Spec = component("loss", default={"type": "L1"}, help="Loss of boxes.")


@spec
class FCOSHeadSpec(Spec):
    """Classes, a box and its centerness at every point (Tian et al. 2019, arXiv:1904.01355)."""

    builds: ClassVar[str] = "specdet.models.heads.fcos:FCOSHead"

    feat_channels: int = field(256, ge=1, reference=True, help="Channels of the 3x3 convolutions.")
    num_convs: int = field(4, ge=0, help="Number of 3x3 convolutions for classes, and as many for boxes.")
    norm: Literal["none", "BN", "GN"] = field("GN", help="Normalisation after each of them.")
    conv_bias: bool = field(
        False,
        depends_on={"norm": ("BN", "GN")},
        help="A bias before the normalisation, too, as torchvision's weights and some of mmdetection's have it.",
    )
    scale_per_level: bool = field(True, help="Multiply the distances of each level by a learnt factor of its own.")
    distance: Literal["exp", "relu"] = field(
        "exp", help="Distances are exponentials, in px, or what is positive, in strides (newer, and torchvision)."
    )
    centerness_on: Literal["cls", "reg"] = field(
        "cls", help="Which convolutions centerness is told from: of classes, or of boxes (newer, and torchvision)."
    )
    prior_prob: float = field(0.01, gt=0, lt=1, help="The score that every place starts with.")
    points: Spec = component("points", default={"type": "Points"}, help="Where objects are looked for.")
    loss_cls: Spec = component("loss", default={"type": "Focal"}, help="Loss of the classes.")
    loss_box: Spec = component("loss", default={"type": "IoU"}, help="Loss of decoded boxes.")
    loss_centerness: Spec = component("loss", default={"type": "BinaryCrossEntropy"}, help="Loss of the centerness.")


@spec
class DenseHeadSpec(Spec):
    """What heads share that tell classes and boxes apart in two towers of convolutions."""

    feat_channels: int = field(256, ge=1, reference=True, help="Channels of the convolutions of both towers.")
    num_convs: int = field(4, ge=0, help="Number of 3x3 convolutions of each tower, shared by all levels.")
    prior_prob: float = field(0.01, gt=0, lt=1, help="What every class scores everywhere before training.")


@spec
class RetinaHeadSpec(DenseHeadSpec):
    """Classes and boxes at nine anchors a cell (Lin et al. 2017, arXiv:1708.02002)."""

    builds: ClassVar[str] = "specdet.models.heads.retina:RetinaHead"

    norm: Literal["none", "BN", "GN"] = field("none", help="Normalisation after each convolution of the towers.")
    anchors: Spec = component(
        "anchors",
        default={"type": "AnchorGenerator", "scales": [4.0], "scales_per_octave": 3},
        help="Reference boxes.",
    )
    coder: Spec = component("coder", default={"type": "DeltaXYWH"}, help="What the head predicts for a box.")
    loss_cls: Spec = component("loss", default={"type": "Focal"}, help="Loss of classes.")
    loss_box: Spec = component("loss", default={"type": "L1"}, help="Loss of boxes.")


@spec
class ATSSHeadSpec(DenseHeadSpec):
    """Classes, a box and how well it is centred at one anchor a cell (Zhang et al. 2019, arXiv:1912.02424)."""

    builds: ClassVar[str] = "specdet.models.heads.atss:ATSSHead"

    norm: Literal["none", "BN", "GN"] = field("GN", help="Normalisation after each convolution of the towers.")
    anchors: Spec = component(
        "anchors", default={"type": "AnchorGenerator", "scales": [8.0], "ratios": [1.0]}, help="Reference boxes."
    )
    coder: Spec = component(
        "coder", default={"type": "DeltaXYWH", "stds": [0.1, 0.1, 0.2, 0.2]}, help="What the head predicts for a box."
    )
    loss_cls: Spec = component("loss", default={"type": "Focal"}, help="Loss of classes.")
    loss_box: Spec = component(
        "loss", default={"type": "GIoU", "weight": 2.0}, help="Loss of boxes, each weighted by its centerness."
    )
    loss_centerness: Spec = component("loss", default={"type": "BinaryCrossEntropy"}, help="Loss of centerness.")


@spec
class SSDHeadSpec(Spec):
    """Classes with background, and a box, at every default box (Liu et al. 2016, arXiv:1512.02325)."""

    builds: ClassVar[str] = "specdet.models.heads.ssd:SSDHead"

    depthwise: bool = field(
        False, help="A depthwise 3x3 convolution and a 1x1 one on each level (SSDLite) instead of one 3x3 convolution."
    )
    norm: Literal["BN", "GN", "SyncBN"] = field(
        "BN", depends_on={"depthwise": (True,)}, help="Normalisation after the depthwise convolution."
    )
    norm_eps: float = field(
        1e-5, ge=0, advanced=True, depends_on={"depthwise": (True,)}, help="Added to variances; 0.001 in torchvision."
    )
    norm_momentum: float = field(
        0.1,
        gt=0,
        le=1,
        advanced=True,
        depends_on={"depthwise": (True,), "norm": ("BN", "SyncBN")},
        help="Share of a batch's statistics in the running ones; 0.03 in torchvision.",
    )
    anchors: Spec = component("default_boxes", default={"type": "SSDAnchors"}, help="Reference boxes.")
    coder: Spec = component(
        "coder", default={"type": "DeltaXYWH", "stds": [0.1, 0.1, 0.2, 0.2]}, help="What the head predicts for a box."
    )
    loss_cls: Spec = component("loss", default={"type": "CrossEntropy"}, help="Loss of the classes and background.")
    loss_box: Spec = component("loss", default={"type": "SmoothL1"}, help="Loss of boxes.")
