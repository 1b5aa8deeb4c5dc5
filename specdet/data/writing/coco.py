"""Writing COCO's JSON format."""

from pathlib import Path
from typing import Any

import numpy as np
import orjson

from specdet.data.reader import Reader
from specdet.data.record import Record
from specdet.data.writing.images import Files, Placed
from specdet.data.writing.written import Written


class CocoWriter:
    """Writes `annotations/SET.json` and `images/SET/`; with files that are only referred to, no images."""

    def __init__(self, folder: Path, *, files: Files):
        self._folder = folder
        self._files: Files = files

    def write(self, reader: Reader, *, name: str) -> Written:
        """Write one set."""
        start = getattr(getattr(reader, "table", None), "folder", None)
        base: Path | None = start if self._files == "refer" else None
        placed = Placed(self._folder / "images" / name, files=self._files)
        images, annotations = [], []
        for index in range(len(reader)):
            record = reader.record(index)
            file = _within(record, base) if base else placed.put(reader, index, start=start)
            images.append({"id": record.image_id, "file_name": file, "width": record.width, "height": record.height})
            annotations += _annotations(record, first_id=len(annotations) + 1)
        categories = [{"id": label, "name": each} for label, each in enumerate(reader.classes, start=1)]
        file = self._folder / "annotations" / f"{name}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(orjson.dumps({"images": images, "annotations": annotations, "categories": categories}))
        keys = {"type": "Coco", "images": str(base) if base else f"images/{name}",
                "annotations": f"annotations/{name}.json"}  # fmt: skip
        return Written(name=name, images=len(images), boxes=len(annotations), classes=reader.classes, keys=keys)

    def finish(self, written: list[Written]) -> None:
        """There is nothing more to write."""


def _within(record: Record, start: Path) -> str:
    assert record.path is not None
    return str(record.path.relative_to(start) if record.path.is_relative_to(start) else record.path)


def _annotations(record: Record, *, first_id: int) -> list[dict[str, Any]]:
    left_top, extent = record.boxes[:, :2], record.boxes[:, 2:] - record.boxes[:, :2]
    return [
        {
            "id": first_id + row,
            "image_id": record.image_id,
            "category_id": int(record.labels[row]) + 1,
            "bbox": [_shortest(number) for number in (*left_top[row], *extent[row])],
            "area": _shortest(record.area[row]),
            "iscrowd": int(record.crowd[row]),
        }
        for row in range(len(record.labels))
    ]


def _shortest(number: np.float32) -> float:
    """The shortest decimal that is this float32: 10.1, not 10.100000381469727."""
    return float(np.format_float_positional(number, unique=True))
