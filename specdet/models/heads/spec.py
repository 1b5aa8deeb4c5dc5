"""Specs of heads."""

from typing import ClassVar

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
