"""CocoBox: average precision of boxes."""

from specdet.evaluation.coco_precision import CocoPrecision
from specdet.evaluation.spec import CocoBoxSpec


class CocoBox(CocoPrecision[CocoBoxSpec]):
    """COCO's numbers, where an overlap is that of boxes; see `CocoPrecision`."""
