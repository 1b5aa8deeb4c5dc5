"""EvaluatedImages: what evaluations look at, for hooks that show it."""

from pathlib import Path
from typing import Any, Protocol

import attrs
from torch import Tensor


class ImageRecord(Protocol):
    """What is known of an image: as `specdet.data.record.Record`, whose docstring says more."""

    @property
    def image_id(self) -> int: ...
    @property
    def path(self) -> Path | None: ...
    @property
    def height(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def boxes(self) -> Any: ...
    @property
    def labels(self) -> Any: ...
    @property
    def crowd(self) -> Any: ...


class ImageReader(Protocol):
    """Images by position, as `specdet.data.reader.Reader` has them."""

    @property
    def classes(self) -> tuple[str, ...]: ...
    def __len__(self) -> int: ...
    def record(self, index: int) -> ImageRecord: ...
    def image(self, index: int) -> Tensor: ...


@attrs.frozen(kw_only=True, eq=False)
class EvaluatedImages:
    """The images of an evaluation, and whether the detector tells the classes of its detections apart."""

    reader: ImageReader
    gives_classes: bool = True
