"""Images as the training sees them. Making them imports torch: whoever asks says so first."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import attrs
import numpy as np

from app.browsing.opened import OpenedSet
from app.browsing.pictures import picture_of_pixels, why_not_opened
from app.browsing.scenes import annotated, boxes_of, name_of, path_of, size_of
from app.looking.scene import Scene
from app.security.roots import Roots
from specdet.data.reader import Reader
from specdet.data.record import Record
from specdet.spec import Spec

if TYPE_CHECKING:
    from torch import Tensor

    from specdet.data.dataset import DetectionDataset


@attrs.frozen(kw_only=True, eq=False)
class Seen:
    """How the training, or the evaluation, sees a set.

    Attributes:
        transforms: What is done to its images, in this order.
        seed: Of the spec.
        first: How many images the training sets before it have: a training numbers all of them through.
    """

    transforms: Mapping[str, Spec]
    seed: int
    first: int = 0

    def dataset(self, reader: Reader) -> "DetectionDataset":
        """The data set of the training; its index counts the sets before this one. Raises ValueError, ImportError."""
        from specdet.data.dataset import DetectionDataset

        built = [each.build() for each in self.transforms.values()]
        return DetectionDataset(_Numbered(reader, self.first), transforms=built, seed=self.seed)


def augmented(opened: OpenedSet, indices: Iterable[int], *, seen: Seen, epoch: int, roots: Roots) -> list[Scene]:
    """Images after their transforms, with the boxes that are left: what the training makes of them in an epoch.

    Args:
        opened: The set.
        indices: Places in it.
        seen: How it is seen.
        epoch: From 0; evaluation is always 0.
        roots: What may be opened. An image that cannot be is shown as it is annotated, with a sentence.
    """
    columns, reader = opened.columns, opened.reader
    assert columns is not None and reader is not None, "a set that can be read"
    dataset = seen.dataset(reader)
    scenes = []
    for index in indices:
        path = path_of(columns, index)
        if path is not None and why_not_opened(path, roots=roots):
            scenes.append(annotated(opened, index, roots=roots))
            continue
        try:
            sample = dataset[epoch, seen.first + index]
        except (ValueError, RuntimeError) as error:  # a file of another size; a transform that fails on it
            scene = annotated(opened, index, roots=roots)
            scenes.append(attrs.evolve(scene, note=f"as annotated, since its transforms fail: {error}"))
            continue
        height, width = sample.size
        boxes = boxes_of(
            np.asarray(sample.boxes), np.asarray(sample.labels), np.asarray(sample.crowd), classes=columns.classes
        )
        scenes.append(
            Scene(
                image=picture_of_pixels(sample.image.permute(1, 2, 0).numpy()).jpeg,
                width=width,
                height=height,
                boxes=tuple(boxes),
                title=f"{index}: {name_of(columns, index)}",
                key=str(index),
                note=size_of(width, height),
            )
        )
    return scenes


class _Numbered:
    """A reader whose images count from another number."""

    def __init__(self, reader: Reader, first: int):
        self._reader, self._first = reader, first
        self.classes, self.sizes = reader.classes, reader.sizes

    def __len__(self) -> int:
        return self._first + len(self._reader)

    def record(self, index: int) -> Record:
        return self._reader.record(index - self._first)

    def image(self, index: int) -> "Tensor":
        return self._reader.image(index - self._first)
