"""FileReader: the Reader of data sets whose images are files."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from torch import Tensor

from specdet.data.findings import Findings
from specdet.data.images import image_size, read_image
from specdet.data.record import Record, RecordTable


class FileReader:
    """Images of a folder, with their records."""

    def __init__(self, records: Sequence[Record], *, classes: tuple[str, ...], folder: Path):
        self.classes = classes
        self._table = RecordTable(records, folder=folder)

    def __len__(self) -> int:
        return len(self._table)

    @property
    def sizes(self) -> np.ndarray:
        """(n, 2) int64 heights and widths, px."""
        return self._table.sizes

    def record(self, index: int) -> Record:
        """What is known of the image at `index`."""
        return self._table[index]

    def image(self, index: int) -> Tensor:
        """(3, height, width) uint8 RGB. Raises ValueError where the file cannot be decoded or has another size."""
        record = self._table[index]
        assert record.path is not None
        image = read_image(record.path)
        if (found := tuple(image.shape[1:])) != (record.height, record.width):
            raise ValueError(size_mismatch(record.path, found=found, noted=(record.height, record.width)))
        return image


def size_mismatch(path: Path, *, found: tuple[int, ...], noted: tuple[int, int]) -> str:
    """A sentence for an image whose annotations were made for another size."""
    text = f"{path}: the image is {found[1]} x {found[0]} px, but its annotations are for {noted[1]} x {noted[0]}"
    return text + (" (is the EXIF orientation of the file wrong?)" if found == noted[::-1] else "")


def check_header(path: Path, *, noted: tuple[int, int], findings: Findings, field: str) -> None:
    """Write down an image file that cannot be read, or is of another size than noted; reads its header alone."""
    try:
        found = image_size(path)
    except ValueError as error:
        findings.wrong("image files that cannot be read", str(error), path=field)
        return
    if found != noted:
        findings.wrong(
            "images of another size than their annotations", size_mismatch(path, found=found, noted=noted), path=field
        )


def to_train_on(records: Sequence[Record], *, filter_empty: bool, min_size: int, findings: Findings) -> list[Record]:
    """The records that training uses: with a box that is not crowd, and large enough."""
    kept = [
        record
        for record in records
        if (not filter_empty or not record.crowd.all()) and min(record.height, record.width) >= min_size
    ]
    if not kept and not findings.any_wrong:  # else that is the reason
        findings.wrong(
            f"no image to train on: {len(records)} images, none of at least {min_size} px with a box of a known class",
            path="",
        )
    return kept
