"""What readers let pass, and a person should know: seen from the columns, without opening an image."""

from collections.abc import Callable, Iterator

import attrs
import numpy as np

from app.browsing.columns import Columns
from app.browsing.scenes import name_of

THINNEST = 2.0  # px; a thinner box is hardly seen, and more often a slip than an object
TOLD = 200  # examples that are named; all are counted


@attrs.frozen(kw_only=True)
class Oddity:
    """All cases of one thing: how many, and the first ones by name."""

    what: str
    count: int
    items: tuple[str, ...]


def oddities(columns: Columns) -> Iterator[Oddity]:
    """What is odd within one set."""
    for what, rows in (
        ("boxes of one class drawn twice at the same place", _twice(columns)),
        (f"boxes less than {THINNEST:g} px wide or high", _thin(columns)),
    ):
        yield from _oddity(what, rows, lambda row: _box_name(columns, row))
    empty = np.flatnonzero(np.diff(columns.ends) == 0)
    yield from _oddity("images without a box", empty, lambda index: name_of(columns, index))
    used = np.bincount(columns.labels[~columns.crowd], minlength=len(columns.classes))
    yield from _oddity("classes without a box", np.flatnonzero(used == 0), lambda label: columns.classes[label])


def in_both(train: Columns, val: Columns) -> Iterator[Oddity]:
    """Image files that are trained on and evaluated on: what is measured on them says nothing of new images."""
    if train.folder is None or val.folder is None:
        return
    paths = [np.char.add(np.array(f"{each.folder}/".encode(), dtype=np.bytes_), each.names) for each in (train, val)]
    both = np.flatnonzero(np.isin(paths[1], paths[0]))
    yield from _oddity("image files that are in train and in val", both, lambda index: name_of(val, index))


def _oddity(what: str, found: np.ndarray, name: Callable[[int], str]) -> Iterator[Oddity]:
    if found.size:
        yield Oddity(what=what, count=found.size, items=tuple(name(place) for place in found[:TOLD].tolist()))


def _twice(columns: Columns) -> np.ndarray:
    """Rows of boxes that repeat an earlier one of their image and class."""
    keys = np.column_stack([columns.image_of, columns.labels, columns.boxes.astype(np.float64)])
    _, first = np.unique(keys, axis=0, return_index=True)
    repeated = np.ones(len(keys), dtype=np.bool_)
    repeated[first] = False
    return np.flatnonzero(repeated)


def _thin(columns: Columns) -> np.ndarray:
    extent = columns.boxes[:, 2:] - columns.boxes[:, :2]
    return np.flatnonzero((extent < THINNEST).any(axis=1))


def _box_name(columns: Columns, row: int) -> str:
    numbers = ", ".join(f"{number:g}" for number in columns.boxes[row].tolist())
    return f"{columns.classes[columns.labels[row]]} of {name_of(columns, int(columns.image_of[row]))}: {numbers}"
