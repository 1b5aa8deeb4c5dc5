"""Specs of losses."""

from typing import Any, ClassVar, Literal

from specdet.spec import Spec, field, spec


def weight_field() -> Any:
    """The factor that every loss has."""
    return field(1.0, ge=0, help="Factor on this loss.")


@spec
class BinaryCrossEntropySpec(Spec):
    """Cross entropy of a sigmoid."""

    builds: ClassVar[str] = "specdet.models.losses.binary_cross_entropy:BinaryCrossEntropy"

    weight: float = weight_field()


@spec
class L1LossSpec(Spec):
    """Sum of the absolute differences of a box's deltas."""

    builds: ClassVar[str] = "specdet.models.losses.delta:L1Loss"

    weight: float = weight_field()


@spec
class SmoothL1LossSpec(Spec):
    """As L1, but quadratic near 0 (Girshick 2015, arXiv:1504.08083)."""

    builds: ClassVar[str] = "specdet.models.losses.delta:SmoothL1Loss"

    weight: float = weight_field()
    beta: float = field(1.0, gt=0, help="Where the quadratic part ends; torchvision's RPN has 1/9.")


@spec
class IoULossSpec(Spec):
    """From the IoU of decoded boxes (Yu et al. 2016, arXiv:1608.01471)."""

    builds: ClassVar[str] = "specdet.models.losses.overlap:IoULoss"

    weight: float = weight_field()
    mode: Literal["log", "linear", "square"] = field("log", help="-log(IoU), 1 - IoU or 1 - IoU^2.")


@spec
class GIoULossSpec(Spec):
    """1 - generalised IoU of decoded boxes (Rezatofighi et al. 2019, arXiv:1902.09630)."""

    builds: ClassVar[str] = "specdet.models.losses.overlap:GIoULoss"

    weight: float = weight_field()


@spec
class DIoULossSpec(Spec):
    """As IoU, with the distance of the centres (Zheng et al. 2019, arXiv:1911.08287)."""

    builds: ClassVar[str] = "specdet.models.losses.overlap:DIoULoss"

    weight: float = weight_field()


@spec
class CIoULossSpec(Spec):
    """As DIoU, with the difference of the shapes (Zheng et al. 2019, arXiv:1911.08287)."""

    builds: ClassVar[str] = "specdet.models.losses.overlap:CIoULoss"

    weight: float = weight_field()


@spec
class FocalLossSpec(Spec):
    """Cross entropy of a sigmoid that falls off for what is told right (Lin et al. 2017, arXiv:1708.02002)."""

    builds: ClassVar[str] = "specdet.models.losses.focal:FocalLoss"

    weight: float = weight_field()
    alpha: float = field(0.25, ge=0, le=1, help="Weight of what is there; what is not there has 1 - alpha.")
    gamma: float = field(2.0, ge=0, help="How fast the loss falls off; 0 is plain cross entropy.")


@spec
class QualityFocalLossSpec(Spec):
    """Focal loss to a score that tells how well the box fits, too (Li et al. 2020, arXiv:2006.04388)."""

    builds: ClassVar[str] = "specdet.models.losses.focal:QualityFocalLoss"

    weight: float = weight_field()
    beta: float = field(2.0, ge=0, help="How fast the loss falls off near its target.")


@spec
class CrossEntropySpec(Spec):
    """Cross entropy of a softmax over the classes and background."""

    builds: ClassVar[str] = "specdet.models.losses.cross_entropy:CrossEntropy"

    weight: float = weight_field()
