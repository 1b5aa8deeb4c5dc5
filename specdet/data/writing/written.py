"""Written: what a writer says of a set that it has written."""

import attrs


@attrs.frozen(kw_only=True)
class Written:
    """One set.

    Attributes:
        name: Of the set.
        images, boxes: How many were written.
        classes: In the order of their numbers.
        keys: The keys of a spec's data set that read it, paths relative to the folder written to.
        crowds_left_out: Crowds, for which the format has no place.
    """

    name: str
    images: int
    boxes: int
    classes: tuple[str, ...]
    keys: dict[str, str]
    crowds_left_out: int = 0
