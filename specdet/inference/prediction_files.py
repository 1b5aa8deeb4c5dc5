"""PredictionFiles: what was found in pictures, as files that other programs read.

    results.json       COCO's results: image_id, category_id, bbox (x, y, width, height), score, segmentation of masks
    images.json        which image and which category each id means
    detections.csv     a line for each detection: image, frame, name, score, x1, y1, x2, y2
    pictures/          the pictures with what was found drawn on them

Boxes are in pixels of the picture as it is seen. The files grow while pictures are looked at, and are whole whenever
that is broken off.
"""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import attrs
import orjson

from specdet.spec import SpecError
from specdet.structures import Detections

RESULTS, IMAGES, TABLE, PICTURES = "results.json", "images.json", "detections.csv", "pictures"
COLUMNS = ("image", "frame", "name", "score", "x1", "y1", "x2", "y2")


@attrs.frozen(kw_only=True)
class KnownIds:
    """The ids that a COCO file of annotations gives to images, by file name, and to categories, by name."""

    images: Mapping[str, int]
    categories: Mapping[str, int]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Of a file. Raises SpecError where it is none."""
        try:
            table = orjson.loads(path.read_bytes())
            return cls(
                images={each["file_name"]: int(each["id"]) for each in table["images"]},
                categories={each["name"]: int(each["id"]) for each in table["categories"]},
            )
        except FileNotFoundError as error:
            raise SpecError.one(f"{path} does not exist", kind="environment") from error
        except (ValueError, KeyError, TypeError) as error:
            message = f"{path} is no COCO file with images and categories ({type(error).__name__}: {error})"
            raise SpecError.one(message) from error

    def of_image(self, name: Path) -> int | None:
        """The id of a file, which the annotations may name with or without its folder."""
        found = self.images.get(name.as_posix())
        return self.images.get(name.name) if found is None else found

    def of_classes(self, names: Sequence[str], *, gives_classes: bool) -> list[int]:
        """The category of each label. Raises SpecError where it lacks one."""
        if not gives_classes:  # any category stands for all
            return [next(iter(self.categories.values()), 0)] * len(names)
        lacking = [name for name in names if name not in self.categories]
        if lacking:
            raise SpecError.one(f"the annotations have no category called {', '.join(lacking[:5])}")
        return [self.categories[name] for name in names]


class PredictionFiles:
    """Writes the files of one folder; a context manager.

    Args:
        folder: Where they lie; made where it is missing.
        class_names: What each label is called.
        category_ids: The category that each label means; its own number unless given.
    """

    def __init__(self, folder: Path, *, class_names: Sequence[str], category_ids: Sequence[int] | None = None):
        self.folder = folder
        self.count = self.detections = 0
        self._names = tuple(class_names)
        self._categories = list(category_ids) if category_ids is not None else list(range(len(class_names)))
        self._images: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._results = (self.folder / RESULTS).open("wb")
        self._results.write(b"[")
        self._table_file = (self.folder / TABLE).open("w", encoding="utf-8", errors="backslashreplace", newline="")
        self._table = csv.writer(self._table_file)
        self._table.writerow(COLUMNS)
        return self

    def __exit__(self, *error: object) -> None:
        self._results.write(b"\n]\n")
        self._results.close()
        self._table_file.close()
        categories = {
            number: {"id": number, "name": name} for number, name in zip(self._categories, self._names, strict=True)
        }
        table = {"images": self._images, "categories": list(categories.values())}
        (self.folder / IMAGES).write_bytes(orjson.dumps(table, option=orjson.OPT_INDENT_2))

    def add(
        self,
        found: Detections,
        *,
        name: str,
        size: tuple[int, int],
        image_id: int | None = None,
        frame: int | None = None,
    ) -> None:
        """What was found in one picture.

        Args:
            name: Of its file.
            size: Its height and width, px.
            image_id: The next number, from 1, unless given.
            frame: Of a video, from 0.
        """
        self.count += 1
        number = self.count if image_id is None else image_id
        image = {"id": number, "file_name": _text(name), "width": size[1], "height": size[0]}
        self._images.append(image if frame is None else {**image, "frame": frame})
        boxes, scores, labels = found.boxes.double().tolist(), found.scores.double().tolist(), found.labels.tolist()
        segmentations = _segmentations(found, size)
        for place, ((x1, y1, x2, y2), score, label) in enumerate(zip(boxes, scores, labels, strict=True)):
            row = {
                "image_id": number,
                "category_id": self._categories[label],
                "bbox": [x1, y1, x2 - x1, y2 - y1],
                "score": score,
            }
            if segmentations:
                row["segmentation"] = segmentations[place]
            self._results.write((b",\n" if self.detections else b"\n") + orjson.dumps(row))
            corners = (f"{edge:.2f}" for edge in (x1, y1, x2, y2))
            self._table.writerow((name, "" if frame is None else frame, self._names[label], f"{score:.5f}", *corners))
            self.detections += 1


def claim_folder(folder: Path, *, force: bool) -> None:
    """Raise SpecError where a folder has something in it already, which would be overwritten, unless that is wanted."""
    if folder.exists() and not folder.is_dir():
        raise SpecError.one(f"{folder} is a file: name a folder")
    if not force and folder.is_dir() and any(folder.iterdir()):
        raise SpecError.one(f"{folder} is not empty: name another folder, or say --force to overwrite files in it")


def _segmentations(found: Detections, size: tuple[int, int]) -> list[dict[str, Any]]:
    if found.masks is None:
        return []
    from specdet.masks import rle

    height, width = size
    encoded = rle.encode(found.masks.numpy())
    return [{"size": [height, width], "counts": each.decode("ascii")} for each in encoded]


def _text(name: str) -> str:
    """A file name that is no UTF-8, as text that can be stored."""
    return name.encode("utf-8", "replace").decode("utf-8")
