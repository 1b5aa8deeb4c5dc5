"""Rows: the form of the tables that say how other tools call what we call something else."""

from collections.abc import Collection

import attrs

from specdet.models.weights.fixes import PLAIN, Fix


@attrs.frozen
class Row:
    """One kind of name.

    Attributes:
        theirs: Template of their names.
        ours: Templates of ours; the first that the model has is taken.
        fix: What is to be done with the tensor.
        deltas: Template of their tensor of box deltas, which tells how many boxes there are at a place.
        every: Whether the tensor serves all of `ours` that the model has, not the first alone.
        old: Whether only old files have it, so that it is not written.
        why: Why it is left out, where it is.
    """

    theirs: str
    ours: tuple[str, ...] = ()
    fix: Fix = attrs.field(default=PLAIN, kw_only=True)
    deltas: str = attrs.field(default="", kw_only=True)
    every: bool = attrs.field(default=False, kw_only=True)
    old: bool = attrs.field(default=False, kw_only=True)
    why: str = attrs.field(default="", kw_only=True)


def conv_rows(theirs: str, ours: str, *, conv: str = "", norm: str = "") -> tuple[Row, ...]:
    """Rows of a convolution that has a normalisation after it in some models: with us, 0 and 1 of a pair then.

    Args:
        theirs: Of their layer, without the parameter.
        ours: Of our layer.
        conv, norm: How they call the two in the layer.
    """
    rows = (Row(f"{theirs}{conv}.{{name}}", (f"{ours}.{{name}}", f"{ours}.0.{{name}}")),)
    return (Row(f"{theirs}{norm}.{{name}}", (f"{ours}.1.{{name}}",)), *rows) if norm else rows


def is_dense(names: Collection[str]) -> bool:
    """Whether a model of ours has a head on each place of the pyramid, and no heads on proposals."""
    return any(name.startswith("bbox_head.") for name in names)
