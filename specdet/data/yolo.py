"""Reading the text files of YOLO: a row `class cx cy w h` for each object, in parts of the image's sides.

A row of a class and three or more corners is an outline; its box is the smallest one around it.
"""

import math
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import attrs
import numpy as np

from specdet.data.box_check import checked_boxes
from specdet.data.class_choice import chosen_classes
from specdet.data.file_reader import FileReader, size_as_noted
from specdet.data.findings import Findings
from specdet.data.record import Record
from specdet.data.spec import YoloSpec
from specdet.data.subset import used
from specdet.data.yolo_layout import YoloLayout, find_layout

OF_BOX = 5  # numbers of a row
OF_TRIANGLE = 7
BEYOND = 1.5  # parts of a side; a larger number was never divided by it
SHOWN = 60  # characters of a row


@attrs.frozen(kw_only=True)
class _Row:
    """One row: where it stands, the number of its class, its box cx, cy, w, h and its area, in parts of 1."""

    line: int
    number: int
    box: tuple[float, float, float, float]
    area: float


@attrs.frozen(kw_only=True)
class _Labelled:
    """One image and the rows of its file; `image_id` is its place in the set, from 0."""

    image_id: int
    path: Path
    labels: Path
    height: int
    width: int
    rows: tuple[_Row, ...]


def read_yolo(spec: YoloSpec, *, training: bool, headers: bool = False, findings: Findings | None = None) -> FileReader:
    """The images of one split.

    The header of every image is read, since the files say no sizes. An image without a file of labels has no objects.

    Args:
        training: Leave out what `filter_empty` and `min_size` say.
        headers: Look besides whether files are cut off, as far as can be told without their pixels.
        findings: Takes what is found; whatever can be used of the files is then given in spite of problems.

    Raises:
        SpecError: With everything that is wrong with the files, its paths relative to `spec`.
    """
    settled, findings = findings is None, findings or Findings(spec.source)
    layout = find_layout(spec, findings)
    for name, count in Counter(layout.names).items():
        if count > 1:
            findings.wrong("classes with the same name", f"'{name}' {count} times", path="folder")
    classes, label_of = chosen_classes(layout.names, spec=spec, place="data", whole=True, findings=findings)
    images = [*_images(layout, headers=headers, findings=findings)]
    label = np.array([label_of[name] for name in layout.names], dtype=np.int64)
    records = [*_records(images, label=label, findings=findings)]
    records = used(records, spec=spec, classes=classes, training=training, findings=findings)
    if settled:
        findings.settle()
    return FileReader(records, classes=classes, folder=layout.folder)


def _images(layout: YoloLayout, *, headers: bool, findings: Findings) -> Iterator[_Labelled]:
    without = 0
    for image_id, (path, labels) in enumerate(layout.images):
        if findings.is_bounded and not all([findings.may_open(each, path="folder") for each in (path, labels)]):
            continue
        if not os.path.isfile(path):  # which raises nothing for a name that no file can have
            findings.wrong("image files that do not exist", str(path), path="folder", kind="environment")
            continue
        rows: tuple[_Row, ...] = ()
        try:
            rows = tuple(_rows(labels, names=layout.names, findings=findings))
        except FileNotFoundError:
            without += 1
            findings.note("images without a file of labels: nothing is to be found in them", path.name)
        except OSError as error:
            findings.wrong("files that cannot be read", f"{labels}: {error.strerror}", path="folder")
        size = size_as_noted(path, noted=None, headers=headers, findings=findings, field="folder")
        if size is not None:
            yield _Labelled(image_id=image_id, path=path, labels=labels, height=size[0], width=size[1], rows=rows)
    if layout.images and without == len(layout.images):
        looked = f"such as {layout.images[0][1]}"
        findings.wrong("no image has a file of labels", looked, path="folder", kind="environment")


def _rows(file: Path, *, names: tuple[str, ...], findings: Findings) -> Iterator[_Row]:
    """The rows of one file that can be used; raises OSError."""
    seen: set[tuple[str, ...]] = set()
    for line, text in enumerate(file.read_text(encoding="utf-8-sig", errors="replace").splitlines(), start=1):
        words = tuple(text.split())
        if not words:
            continue
        where = f"{file}:{line}: {text.strip()[:SHOWN]}"
        if words in seen:
            findings.remark("rows written twice, left out once", where)
            continue
        seen.add(words)
        try:
            first, *numbers = map(float, words)
        except ValueError:
            findings.wrong("rows that are not numbers: class cx cy w h is needed", where, path="folder")
            continue
        if len(words) != OF_BOX and (len(words) < OF_TRIANGLE or len(words) % 2 == 0):
            what = "rows that are neither a box (class cx cy w h) nor an outline (class x y x y x y ...)"
            findings.wrong(what, where, path="folder")
        elif not all(map(math.isfinite, numbers)):
            findings.wrong("rows with a number that is not finite", where, path="folder")
        elif first != int(first) if math.isfinite(first) else True:
            findings.wrong("rows whose class is not a whole number", where, path="folder")
        elif not 0 <= first < len(names):
            what = f"rows whose class has no name: there are {len(names)}, numbered from 0"
            findings.wrong(what, where, path="folder")
        elif max(map(abs, numbers)) > BEYOND:
            findings.wrong("rows in pixels: parts of the image's width and height are needed", where, path="folder")
        else:
            box, area = _box(numbers)
            yield _Row(line=line, number=int(first), box=box, area=area)


def _box(numbers: list[float]) -> tuple[tuple[float, float, float, float], float]:
    """cx, cy, w, h and the area of what the row outlines."""
    if len(numbers) == OF_BOX - 1:
        cx, cy, w, h = numbers
        return (cx, cy, w, h), w * h
    xs, ys = numbers[::2], numbers[1::2]
    left, right, top, bottom = min(xs), max(xs), min(ys), max(ys)
    # Twice the signed area is the sum of the corners' cross products.
    doubled = sum(xs[place - 1] * ys[place] - xs[place] * ys[place - 1] for place in range(len(xs)))
    return ((left + right) / 2, (top + bottom) / 2, right - left, bottom - top), abs(doubled) / 2


def _records(images: list[_Labelled], *, label: np.ndarray, findings: Findings) -> Iterator[Record]:
    rows = [(image, row) for image in images for row in image.rows if label[row.number] >= 0]
    parts = np.array([row.box for _, row in rows], dtype=np.float64).reshape(-1, 4)
    sizes = np.array([(image.height, image.width) for image, _ in rows], dtype=np.int64).reshape(-1, 2)
    centre, half = parts[:, :2] * sizes[:, ::-1], parts[:, 2:] * sizes[:, ::-1] / 2
    boxes, usable = checked_boxes(
        np.concatenate([centre - half, centre + half], axis=1),
        sizes=sizes,
        describe=lambda row: f"{rows[row][0].labels}:{rows[row][1].line}",
        findings=findings,
        path="folder",
    )
    labels = label[[row.number for _, row in rows]] if rows else np.empty(0, dtype=np.int64)
    area = np.array([row.area for _, row in rows], dtype=np.float64) * sizes.prod(axis=1)
    image_ids = np.array([image.image_id for image, _ in rows], dtype=np.int64)
    for image in images:
        first, last = np.searchsorted(image_ids, [image.image_id, image.image_id + 1])
        own = np.arange(first, last)[usable[first:last]]
        yield Record(
            image_id=image.image_id,
            path=image.path,
            height=image.height,
            width=image.width,
            boxes=boxes[own].astype(np.float32),
            labels=labels[own],
            crowd=np.zeros(len(own), dtype=np.bool_),
            area=area[own].astype(np.float32),
        )
