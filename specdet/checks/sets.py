"""What an experiment's data sets hold, before an image is opened: sizes, and the largest batch that these can make."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import numpy as np

from specdet.data.batch_shape import Size, largest_batch, largest_batch_of
from specdet.data.build import read_all
from specdet.data.concat import ConcatReader
from specdet.data.root import root_problems
from specdet.data.spec import DataSpec
from specdet.spec import Problem, Spec, SpecError

if TYPE_CHECKING:
    from specdet.data.reader import Reader


def root_must_exist(data: DataSpec) -> None:
    """Raises SpecError where the folder of the data is not there."""
    if missing := root_problems(data):
        raise SpecError(problem.under("data") for problem in missing)


def open_set(
    spec: Spec | Mapping[str, Spec], *, path: str, training: bool, folders: Sequence[Path] | None = None
) -> "Reader":
    """The images of a data set, or of several keyed ones; opens annotations, but no image.

    Args:
        path: Where it stands, as "data.train".
        training: Leave images out as the data sets' specs say.
        folders: The only ones from which files may be opened; all may be unless given.

    Raises:
        SpecError: With all problems of all the sets.
    """
    sets = {path: spec} if isinstance(spec, Spec) else {f"{path}.{key}": each for key, each in spec.items()}
    problems: list[Problem] = []
    readers = read_all(sets, training=training, problems=problems, folders=folders)
    if problems:
        raise SpecError(problems)
    if len(readers) == 1:
        return next(iter(readers.values()))
    try:
        return ConcatReader(readers)
    except ValueError as error:
        raise SpecError.one(str(error), path=path) from error


def largest_shape(data: DataSpec, *, sizes: np.ndarray | None) -> Size | None:
    """Height and width of the largest batch that training can meet, padded, px; None where only the images tell.

    Args:
        sizes: (n, 2) heights and widths of the training images, px, where they are known.
    """
    found = None
    if sizes is not None:
        found = largest_batch_of(data, sizes=[(height, width) for height, width in np.unique(sizes, axis=0).tolist()])
    return found or largest_batch(data)


def as_evaluated(data: DataSpec, *, val: Spec) -> DataSpec:
    """The same data, as if the set to evaluate on were trained on: its batches take images as they come."""
    return attrs.evolve(data, train=val, train_transforms=data.val_transforms, group_by_aspect=False)


def most_boxes(reader: "Reader") -> int:
    """How many boxes the image with the most has, crowds too."""
    return max(len(reader.record(index).labels) for index in range(len(reader)))
