"""What a sampler chooses of the anchors of a batch."""

import attrs
from torch import Tensor


@attrs.frozen(kw_only=True, eq=False)
class Samples:
    """Positives and negatives, each padded to a fixed number of slots.

    Attributes:
        pos: (N, P) int64 indices of anchors; any anchor in unused slots.
        pos_used: (N, P) bool.
        neg: (N, Q) int64 indices of anchors; any anchor in unused slots.
        neg_used: (N, Q) bool.
    """

    pos: Tensor
    pos_used: Tensor
    neg: Tensor
    neg_used: Tensor
