"""Writing the text files of YOLO, as Ultralytics lays them out."""

import json
from pathlib import Path

from specdet.data.reader import Reader
from specdet.data.record import Record
from specdet.data.writing.images import Files, Placed
from specdet.data.writing.written import Written

DIGITS = 8  # of a side: a thousandth of a px in the largest images


class YoloWriter:
    """Writes `images/SET/`, `labels/SET/` and data.yaml; crowds, which it has no place for, are left out."""

    def __init__(self, folder: Path, *, files: Files):
        self._folder = folder
        self._files: Files = files

    def write(self, reader: Reader, *, name: str) -> Written:
        """Write one set."""
        start = getattr(getattr(reader, "table", None), "folder", None)
        placed = Placed(self._folder / "images" / name, files=self._files)
        labels = self._folder / "labels" / name
        placed.folder.mkdir(parents=True, exist_ok=True)
        boxes = crowds = 0
        for index in range(len(reader)):
            record = reader.record(index)
            rows = _rows(record)
            file = (labels / placed.put(reader, index, start=start)).with_suffix(".txt")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
            boxes += len(rows)
            crowds += int(record.crowd.sum())
        keys = {"type": "Yolo", "folder": ".", "split": name}
        return Written(
            name=name, images=len(reader), boxes=boxes, classes=reader.classes, keys=keys, crowds_left_out=crowds
        )

    def finish(self, written: list[Written]) -> None:
        """Write data.yaml."""
        folders = [f"{json.dumps(each.name)}: {json.dumps(f'images/{each.name}')}" for each in written]
        names = [
            f"  {number}: {json.dumps(name, ensure_ascii=False)}" for number, name in enumerate(written[0].classes)
        ]
        text = "\n".join([*folders, "names:", *names])
        (self._folder / "data.yaml").write_text(f"{text}\n", encoding="utf-8")


def _rows(record: Record) -> list[str]:
    rows = []
    for box, label, crowd in zip(record.boxes.tolist(), record.labels.tolist(), record.crowd.tolist(), strict=True):
        if not crowd:
            left, top, right, bottom = box
            numbers = (
                (left + right) / 2 / record.width,
                (top + bottom) / 2 / record.height,
                (right - left) / record.width,
                (bottom - top) / record.height,
            )
            rows.append(" ".join([str(label), *(_short(number) for number in numbers)]))
    return rows


def _short(number: float) -> str:
    return f"{number:.{DIGITS}f}".rstrip("0").rstrip(".")
