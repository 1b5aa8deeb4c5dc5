"""Reading COCO's JSON format (Lin et al. 2014, arXiv:1405.0312; https://cocodataset.org/#format-data)."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
import orjson

from specdet.data.box_check import checked_boxes
from specdet.data.file_reader import FileReader, check_header, to_train_on
from specdet.data.findings import Findings
from specdet.data.images import existing_files, image_size
from specdet.data.record import Record
from specdet.data.spec import CocoSpec
from specdet.registry import suggestion
from specdet.spec import SpecError

Table = dict[str, Any]
LISTS: dict[str, dict[str, type]] = {
    "images": {"id": int, "file_name": str},
    "annotations": {"image_id": int, "category_id": int, "bbox": list},
    "categories": {"id": int, "name": str},
}
LARGEST = 1e12  # more is no coordinate and no area, and would overflow
SIZE_UNKNOWN = (1 << 31, 1 << 31)  # of an image that is missing: no box can be said to leave it


def read_coco(spec: CocoSpec, *, training: bool, headers: bool = False) -> FileReader:
    """The images of one COCO file.

    Boxes stay as they are written, so that evaluation has the file's own numbers; the data set cuts them at the border.

    Args:
        training: Leave out what `filter_empty` and `min_size` say.
        headers: Open every image file and compare its size with the one noted.

    Raises:
        SpecError: With everything that is wrong with the files, its paths relative to `spec`.
    """
    findings = Findings(spec.annotations)
    if not spec.images.is_dir():
        findings.wrong(f"its folder of images {spec.images} does not exist", path="images", kind="environment")
    data = _load(spec.annotations, findings)
    classes, label_of = _classes(data["categories"], wanted=spec.classes, findings=findings)
    images = _images(data["images"], folder=spec.images, headers=headers, findings=findings)
    records = _records(data["annotations"], images=images, label_of=label_of, findings=findings)
    if training:
        records = to_train_on(records, filter_empty=spec.filter_empty, min_size=spec.min_size, findings=findings)
    findings.settle()
    return FileReader(records, classes=classes, folder=spec.images)


def _load(path: Path, findings: Findings) -> Table:
    """The file's three lists, with the items that have the keys needed; raises where there are no lists."""
    if not path.is_file():
        what = "is a folder, and a JSON file is needed" if path.is_dir() else "the file does not exist"
        findings.wrong(what, path="annotations", kind="environment")
        findings.settle()
    text = path.read_bytes()
    try:
        data = orjson.loads(text)
    except orjson.JSONDecodeError:
        try:
            data = json.loads(text)  # takes NaN, which Python writes: the box check then says where it stands
        except (ValueError, RecursionError) as error:
            raise SpecError.one(f"{path}: not JSON ({error})", path="annotations") from error
    if not isinstance(data, dict) or not all(isinstance(data.get(name), list) for name in LISTS):
        raise SpecError.one(
            f"{path}: not a COCO file: it needs the lists images, annotations and categories", path="annotations"
        )
    return {name: [*_complete(data[name], name, keys, findings)] for name, keys in LISTS.items()}


def _complete(items: list[Any], name: str, keys: Mapping[str, type], findings: Findings) -> Iterable[Table]:
    needed = ", ".join(f"{key} ({kind.__name__})" for key, kind in keys.items())
    for place, item in enumerate(items):
        if isinstance(item, dict) and all(type(item.get(key)) is kind for key, kind in keys.items()):
            yield item
        else:
            findings.wrong(f"items without {needed}", f"{name}[{place}]", path="annotations")


def _classes(
    categories: list[Table], *, wanted: tuple[str, ...], findings: Findings
) -> tuple[tuple[str, ...], dict[int, int]]:
    """Names in the order of the labels, and category id -> label, -1 for a category that is not to be learned."""
    by_id = {category["id"]: category["name"] for category in sorted(categories, key=itemgetter("id"))}
    for name, count in Counter(by_id.values()).items():
        if count > 1:
            findings.wrong("categories with the same name", f"'{name}' {count} times", path="annotations")
    if len(by_id) < len(categories):
        findings.wrong("categories with the same id", path="annotations")
    missing_from = f"classes that the data lacks (it has {', '.join(by_id.values())})"
    for name in wanted:
        if name not in by_id.values():
            findings.wrong(missing_from, f"'{name}'{suggestion(name, by_id.values())}", path="classes")
    classes = wanted or tuple(by_id.values())
    label = {name: place for place, name in enumerate(classes)}
    return classes, {category: label.get(name, -1) for category, name in by_id.items()}


def _images(items: list[Table], *, folder: Path, headers: bool, findings: Findings) -> dict[int, tuple[Path, int, int]]:
    """Image id -> path, height, width, in the order of the file."""
    present = existing_files(folder) if folder.is_dir() else None
    images: dict[int, tuple[Path, int, int]] = {}
    for item in items:
        image_id, name = item["id"], item["file_name"]
        path = folder / name
        if not -(1 << 63) <= image_id < 1 << 63:
            findings.wrong("images whose id does not fit 64 bits", f"{name}: {image_id}", path="annotations")
            continue
        if image_id in images:
            both = f"{image_id}: {images[image_id][0].name} and {path.name}"
            findings.wrong("images with the same id", both, path="annotations")
        exists = present is not None and (name in present or _is_file(path))
        if present is not None and not exists:
            findings.wrong("image files that do not exist", str(path), path="images", kind="environment")
        size = _size(item, path, headers=headers, findings=findings) if exists else SIZE_UNKNOWN
        images[image_id] = (path, size[0], size[1])
    return images


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file system can hold
        return False


def _size(item: Table, path: Path, *, headers: bool, findings: Findings) -> tuple[int, int]:
    """Height and width as noted; the header is read where none are, and compared where that is wanted."""
    height, width = item.get("height"), item.get("width")
    if type(height) is int and type(width) is int and 0 < min(height, width) <= max(height, width) <= SIZE_UNKNOWN[0]:
        if headers:
            check_header(path, noted=(height, width), findings=findings, field="images")
        return height, width
    try:
        return image_size(path)
    except ValueError as error:
        findings.wrong("image files that cannot be read", str(error), path="images")
        return SIZE_UNKNOWN


def _records(
    items: list[Table],
    *,
    images: Mapping[int, tuple[Path, int, int]],
    label_of: Mapping[int, int],
    findings: Findings,
) -> list[Record]:
    items = [*_known(items, images=images, label_of=label_of, findings=findings)]
    xywh = np.array([item["bbox"] for item in items], dtype=np.float64).reshape(-1, 4)
    boxes = np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1)
    sizes = np.array([images[item["image_id"]][1:] for item in items], dtype=np.int64).reshape(-1, 2)
    _, usable = checked_boxes(
        boxes,
        sizes=sizes,
        describe=lambda row: f"annotation {items[row].get('id', '?')} of {images[items[row]['image_id']][0].name}",
        findings=findings,
        path="annotations",
    )
    labels = np.array([label_of[item["category_id"]] for item in items], dtype=np.int64)
    crowd = np.array([bool(item.get("iscrowd", 0)) for item in items], dtype=np.bool_)
    area = np.array([_area(item) for item in items], dtype=np.float64)
    rows_of: dict[int, list[int]] = {image_id: [] for image_id in images}
    for row in np.flatnonzero(usable).tolist():
        rows_of[items[row]["image_id"]].append(row)
    return [
        Record(
            image_id=image_id,
            path=path,
            height=height,
            width=width,
            boxes=boxes[rows].astype(np.float32),
            labels=labels[rows],
            crowd=crowd[rows],
            area=area[rows].astype(np.float32),
        )
        for image_id, (path, height, width) in images.items()
        for rows in [np.array(rows_of[image_id], dtype=np.int64)]
    ]


def _known(
    items: list[Table],
    *,
    images: Mapping[int, tuple[Path, int, int]],
    label_of: Mapping[int, int],
    findings: Findings,
) -> Iterable[Table]:
    """The annotations of known images and wanted classes, with four numbers for a box."""
    seen: set[int] = set()
    for place, item in enumerate(items):
        own_id = item.get("id")
        name = f"annotation {own_id if own_id is not None else f'[{place}]'}"
        if type(own_id) is int:
            if own_id in seen:
                findings.wrong("annotations with the same id", f"{own_id}", path="annotations")
            seen.add(own_id)
        if item["image_id"] not in images:
            text = f"{name}: image_id {item['image_id']}"
            findings.wrong("annotations of an image that the file does not list", text, path="annotations")
        elif item["category_id"] not in label_of:
            text = f"{name}: category_id {item['category_id']}"
            findings.wrong("annotations of a category that the file does not list", text, path="annotations")
        elif [_is_number(number) for number in item["bbox"]] != [True] * 4:
            findings.wrong("annotations whose bbox is not four numbers", f"{name}: {item['bbox']}", path="annotations")
        elif label_of[item["category_id"]] >= 0:
            yield item


def _area(item: Table) -> float:
    """The area noted, which COCO means to be that of the mask; that of the box where there is none."""
    area = item.get("area")
    return area if _is_number(area) and area >= 0 else item["bbox"][2] * item["bbox"][3]


def _is_number(value: object) -> TypeGuard[float]:
    """NaN is let through: the box check says where it stands."""
    return isinstance(value, int | float) and not isinstance(value, bool) and not abs(value) > LARGEST
