"""CocoMask: average precision of masks."""

from typing import ClassVar

from specdet.evaluation.coco_precision import CocoPrecision
from specdet.evaluation.spec import CocoMaskSpec


class CocoMask(CocoPrecision[CocoMaskSpec]):
    """COCO's numbers, where an overlap is that of masks; see `CocoPrecision`.

    Where an object has no `segmentation`, its box is a region in which detections are neither right nor wrong.
    """

    masks: ClassVar[bool] = True
