"""Where the images of a written data set go, and under which names."""

import os
import shutil
from pathlib import Path
from typing import Literal

import numpy as np

from specdet.data.reader import Reader
from specdet.data.record import Record

Files = Literal["copy", "link", "refer"]


class Placed:
    """Images of one folder, each under a name of its own; one that several sets have is there once.

    Args:
        folder: Where they go; made when the first one comes.
        files: Copy, or make links to the files that are there. Drawn images are written as PNG either way.
        flat: No folders within, and no blanks in names: VOC's lists have one name a word.
    """

    def __init__(self, folder: Path, *, files: Files, flat: bool = False):
        self.folder = folder
        self._files, self._flat = files, flat
        self._names: dict[object, str] = {}
        self._stems: set[str] = set()

    def put(self, reader: Reader, index: int, *, start: Path | None) -> str:
        """Place an image and give its name within the folder.

        Args:
            start: What the names of the reader's images start from.
        """
        record = reader.record(index)
        source = record.path or (id(reader), index)
        if (known := self._names.get(source)) is not None:
            return known
        name = self._free(_wanted(record, start=start, flat=self._flat))
        self._names[source] = name
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if record.path is None:
            _write_pixels(reader, index, target)
        elif self._files == "link":
            target.symlink_to(record.path.absolute())
        else:
            shutil.copyfile(record.path, target)
        return name

    def _free(self, name: str) -> str:
        """`name`, or the same with a number: annotations of a.jpg and of A.png are one file, here or elsewhere."""
        path, number = Path(name), 1
        stem = free = str(path.with_suffix(""))
        while free.casefold() in self._stems:
            number += 1
            free = f"{stem}_{number}"
        self._stems.add(free.casefold())
        return f"{free}{path.suffix}"


def _wanted(record: Record, *, start: Path | None, flat: bool) -> str:
    if record.path is None:
        return f"{record.image_id:06d}.png"
    path = record.path
    if not flat and start is not None and path.is_relative_to(start) and ".." not in path.relative_to(start).parts:
        name = path.relative_to(start).as_posix()
    else:
        name = path.name
    name = os.fsencode(name).decode("utf-8", "replace").replace("�", "_")
    return "_".join(name.split()) if flat else name


def _write_pixels(reader: Reader, index: int, target: Path) -> None:
    from PIL import Image

    pixels = getattr(reader, "pixels", None)
    array = pixels(index) if pixels is not None else reader.image(index).permute(1, 2, 0).numpy()
    Image.fromarray(np.ascontiguousarray(array)).save(target)
