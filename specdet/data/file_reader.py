"""FileReader: the Reader of data sets whose images are files."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from specdet.data.findings import Findings
from specdet.data.images import UnreadableImage, image_size, read_image
from specdet.data.record import Record, RecordTable

if TYPE_CHECKING:
    from torch import Tensor


class FileReader:
    """Images of a folder, with their records."""

    def __init__(self, records: Sequence[Record] | RecordTable, *, classes: tuple[str, ...], folder: Path):
        self.classes = classes
        self.table = records if isinstance(records, RecordTable) else RecordTable(records, folder=folder)

    def __len__(self) -> int:
        return len(self.table)

    @property
    def sizes(self) -> np.ndarray:
        """(n, 2) int64 heights and widths, px."""
        return self.table.sizes

    def record(self, index: int) -> Record:
        """What is known of the image at `index`."""
        return self.table[index]

    def image(self, index: int) -> "Tensor":
        """(3, height, width) uint8 RGB. Raises UnreadableImage, also where the file has another size than noted."""
        record = self.table[index]
        assert record.path is not None
        image = read_image(record.path)
        if (found := tuple(image.shape[1:])) != (record.height, record.width):
            raise UnreadableImage(size_mismatch(record.path, found=found, noted=(record.height, record.width)))
        return image


def size_mismatch(path: Path, *, found: tuple[int, ...], noted: tuple[int, int]) -> str:
    """A sentence for an image whose annotations were made for another size."""
    text = f"{path}: the image is {found[1]} x {found[0]} px, but its annotations are for {noted[1]} x {noted[0]}"
    return text + (" (is the EXIF orientation of the file wrong?)" if found == noted[::-1] else "")


def size_as_noted(
    path: Path, *, noted: tuple[int, int] | None, headers: bool, findings: Findings, field: str
) -> tuple[int, int] | None:
    """Height and width of an image: as noted, or where nothing is as its header says; None where that cannot be read.

    Args:
        headers: Open the file in any case, and compare. What is wrong with it is written down, as far as can be told
            without its pixels.
    """
    if noted is not None and not headers:
        return noted
    findings.opened += 1
    try:
        found = image_size(path, whole=headers)
    except ValueError as error:
        findings.wrong("image files that cannot be read", str(error), path=field)
        return noted
    if noted is not None and found != noted:
        findings.wrong(
            "images of another size than their annotations", size_mismatch(path, found=found, noted=noted), path=field
        )
    return noted or found


def to_train_on(records: Sequence[Record], *, filter_empty: bool, min_size: int, findings: Findings) -> list[Record]:
    """The records that training uses: with a box that is not crowd, and large enough."""
    kept = []
    for record in records:
        if filter_empty and record.crowd.all():
            findings.note("images without a box to learn from, left out of training", _name(record))
        elif min(record.height, record.width) < min_size:
            findings.note(f"images with a side below min_size ({min_size} px), left out of training", _name(record))
        else:
            kept.append(record)
    if not kept and not findings.any_wrong:  # else that is the reason
        findings.wrong(
            f"no image to train on: {len(records)} images, none of at least {min_size} px with a box of a known class",
            path="",
        )
    return kept


def _name(record: Record) -> str:
    return record.path.name if record.path else f"{record.image_id}"
