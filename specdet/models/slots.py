"""Rows of padded tables: slots of ground truth, picked for each place."""

from torch import Tensor
from torch.nn.functional import pad

from specdet.structures import Targets


def rows(table: Tensor, index: Tensor) -> Tensor:
    """Rows of each image's own table; (N, A, C) at (N, P) int64 to (N, P, C)."""
    return table.gather(1, index[..., None].expand(-1, -1, table.shape[-1]))


def with_a_slot(targets: Targets) -> Targets:
    """The same targets with at least one slot, so that every reduction over slots is defined; without masks."""
    if targets.boxes.shape[1] > 0:
        return targets
    return Targets(
        boxes=pad(targets.boxes, (0, 0, 0, 1)),
        labels=pad(targets.labels, (0, 1), value=-1),
        crowd=pad(targets.crowd, (0, 1)),
    )
