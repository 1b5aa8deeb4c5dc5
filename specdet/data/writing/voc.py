"""Writing PASCAL VOC's layout."""

from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent  # writes  # nosec B405

import numpy as np

from specdet.data.reader import Reader
from specdet.data.record import Record
from specdet.data.writing.images import Files, Placed
from specdet.data.writing.written import Written

DIGITS = 2  # of a px; most files have whole pixels, which are written as such


class VocWriter:
    """Writes `JPEGImages/`, `Annotations/` and `ImageSets/Main/SET.txt`; crowds become difficult objects."""

    def __init__(self, folder: Path, *, files: Files):
        self._folder = folder
        self._placed = Placed(folder / "JPEGImages", files=files, flat=True)

    def write(self, reader: Reader, *, name: str) -> Written:
        """Write one set."""
        annotations, lists = self._folder / "Annotations", self._folder / "ImageSets" / "Main"
        for folder in (annotations, lists, self._placed.folder):
            folder.mkdir(parents=True, exist_ok=True)
        stems, boxes = [], 0
        for index in range(len(reader)):
            record = reader.record(index)
            file = self._placed.put(reader, index, start=None)
            root = _annotation(record, file=file, classes=reader.classes)
            stems.append(Path(file).stem)
            ElementTree(root).write(annotations / f"{stems[-1]}.xml", encoding="utf-8")
            boxes += len(record.labels)
        (lists / f"{name}.txt").write_text("".join(f"{stem}\n" for stem in stems), encoding="utf-8")
        keys = {"type": "Voc", "folder": ".", "split": name}
        return Written(name=name, images=len(stems), boxes=boxes, classes=reader.classes, keys=keys)

    def finish(self, written: list[Written]) -> None:
        """There is nothing more to write."""


def _annotation(record: Record, *, file: str, classes: tuple[str, ...]) -> Element:
    root = Element("annotation")
    SubElement(root, "folder").text = "JPEGImages"
    SubElement(root, "filename").text = file
    size = SubElement(root, "size")
    for key, value in (("width", record.width), ("height", record.height), ("depth", 3)):
        SubElement(size, key).text = str(value)
    SubElement(root, "segmented").text = "0"
    for box, label, crowd in zip(record.boxes, record.labels.tolist(), record.crowd.tolist(), strict=True):
        element = SubElement(root, "object")
        SubElement(element, "name").text = classes[label]
        SubElement(element, "pose").text = "Unspecified"
        SubElement(element, "truncated").text = "0"
        SubElement(element, "difficult").text = str(int(crowd))
        corners = SubElement(element, "bndbox")
        for key, value in zip(("xmin", "ymin", "xmax", "ymax"), _corners(box), strict=True):
            SubElement(corners, key).text = value
    indent(root)
    return root


def _corners(box: np.ndarray) -> list[str]:
    """Pixels counted from 1, the last one included."""
    left, top, right, bottom = (round(float(edge), DIGITS) for edge in box)
    low, high = [round(left + 1, DIGITS), round(top + 1, DIGITS)], [right, bottom]  # 7.12 + 1 is more than 8.12
    for axis in (0, 1):
        if high[axis] == low[axis]:  # one pixel: written as it is, readers would take it for a click
            high[axis] += 10**-DIGITS
    return [f"{edge:.{DIGITS}f}".rstrip("0").rstrip(".") for edge in (*low, *high)]
