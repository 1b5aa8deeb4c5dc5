"""Reading COCO's JSON format (Lin et al. 2014, arXiv:1405.0312; https://cocodataset.org/#format-data)."""

import json
import os
import reprlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
import orjson

from specdet.collection import without_collection
from specdet.data.annotation_index import AnnotationIndex
from specdet.data.box_check import checked_boxes
from specdet.data.class_choice import chosen_classes
from specdet.data.file_reader import FileReader, size_as_noted
from specdet.data.findings import Findings
from specdet.data.images import existing_files, plain_files
from specdet.data.record import Record
from specdet.data.spec import CocoSpec
from specdet.data.subset import used

Table = dict[str, Any]
LISTS: dict[str, dict[str, type]] = {
    "images": {"id": int, "file_name": str},
    "annotations": {"image_id": int, "category_id": int, "bbox": list},
    "categories": {"id": int, "name": str},
}
LARGEST = 1e12  # more is no coordinate and no area, and would overflow
SIZE_UNKNOWN = (1 << 31, 1 << 31)  # of an image that is missing: no box can be said to leave it


def read_coco(
    spec: CocoSpec, *, training: bool, headers: bool = False, masks: bool = False, findings: Findings | None = None
) -> FileReader:
    """The images of one COCO file.

    Boxes stay as they are written, so that evaluation has the file's own numbers; the data set cuts them at the border.

    Args:
        training: Leave out what `filter_empty` and `min_size` say.
        headers: Open every image file and compare its size with the one noted.
        masks: Read the segmentations, too.
        findings: Takes what is found; whatever can be used of the files is then given in spite of problems.

    Raises:
        SpecError: With everything that is wrong with the files, its paths relative to `spec`.
    """
    settled, findings = findings is None, findings or Findings(spec.source)
    index = None
    if not headers and not findings.is_bounded and not findings.found:
        index = AnnotationIndex.of(
            spec, images=spec.images, files=spec.annotation_files, training=training, masks=masks
        )
    if index is not None and (indexed := index.load()) is not None:
        indexed.tell(findings)
        if settled:
            findings.settle()
        return FileReader(indexed.table, classes=indexed.classes, folder=spec.images)
    if not spec.images.is_dir():
        findings.wrong(f"its folder of images {spec.images} does not exist", path="images", kind="environment")
    data = _load(spec.annotations, findings)
    classes, label_of = _classes(data["categories"], spec=spec, findings=findings)
    images = _images(data["images"], folder=spec.images, headers=headers, findings=findings)
    records = _records(data["annotations"], images=images, label_of=label_of, masks=masks, findings=findings)
    records = used(records, spec=spec, classes=classes, training=training, findings=findings)
    if settled:
        findings.settle()
    reader = FileReader(records, classes=classes, folder=spec.images)
    if index is not None and not findings.any_wrong and all(_noted_size(item) for item in data["images"]):
        index.write(
            reader.table, classes=classes, findings=findings, names=[item["file_name"] for item in data["images"]]
        )
    return reader


def _load(path: Path, findings: Findings) -> Table:
    """The file's three lists, with the items that have the keys needed; raises where there are no lists."""
    if not path.is_file():
        what = "is a folder, and a JSON file is needed" if path.is_dir() else "the file does not exist"
        findings.wrong(what, path="annotations", kind="environment")
        findings.settle()
    text = path.read_bytes()
    try:
        with without_collection():  # JSON has no cycles
            data = orjson.loads(text)
    except orjson.JSONDecodeError:
        try:
            data = json.loads(text)  # takes NaN, which Python writes: the box check then says where it stands
        except (ValueError, RecursionError) as error:
            data = None
            findings.wrong(f"not JSON ({error})", path="annotations")
            findings.settle()
    if not isinstance(data, dict) or not all(isinstance(data.get(name), list) for name in LISTS):
        what = "not a COCO file: it needs the lists images, annotations and categories"
        findings.wrong(what, path="annotations")
        findings.settle()
    assert isinstance(data, dict), "settle raises"
    return {name: [*_complete(data[name], name, keys, findings)] for name, keys in LISTS.items()}


def _complete(items: list[Any], name: str, keys: Mapping[str, type], findings: Findings) -> Iterable[Table]:
    needed = ", ".join(f"{key} ({kind.__name__})" for key, kind in keys.items())
    for place, item in enumerate(items):
        if isinstance(item, dict) and all(type(item.get(key)) is kind for key, kind in keys.items()):
            yield item
        else:
            findings.wrong(f"items without {needed}", f"{name}[{place}]", path="annotations")


def _classes(categories: list[Table], *, spec: CocoSpec, findings: Findings) -> tuple[tuple[str, ...], dict[int, int]]:
    """Names in the order of the labels, and category id -> label, -1 for a category that is not to be learned."""
    by_id = {category["id"]: category["name"] for category in sorted(categories, key=itemgetter("id"))}
    for name, count in Counter(by_id.values()).items():
        if count > 1:
            findings.wrong("categories with the same name", f"'{name}' {count} times", path="annotations")
    if len(by_id) < len(categories):
        findings.wrong("categories with the same id", path="annotations")
    classes, label = chosen_classes(by_id.values(), spec=spec, place="data", whole=True, findings=findings)
    return classes, {category: label[name] for category, name in by_id.items()}


def _images(items: list[Table], *, folder: Path, headers: bool, findings: Findings) -> dict[int, tuple[Path, int, int]]:
    """Image id -> path, height, width, in the order of the file."""
    present = existing_files(folder) if folder.is_dir() else None
    own = plain_files(folder) if present is not None and findings.is_bounded else ()
    images: dict[int, tuple[Path, int, int]] = {}
    id_of: dict[str, int] = {}
    for item in items:
        image_id, name = item["id"], item["file_name"]
        path = folder / name
        if not -(1 << 63) <= image_id < 1 << 63:
            findings.wrong("images whose id does not fit 64 bits", f"{name}: {image_id}", path="annotations")
            continue
        if not _is_text(name):
            findings.wrong("images whose file_name has half a character", name, path="annotations")
            continue
        if image_id in images:
            both = f"{image_id}: {images[image_id][0].name} and {path.name}"
            findings.wrong("images with the same id", both, path="annotations")
        if id_of.setdefault(name, image_id) != image_id:
            # Each would have the objects of the other for background.
            both = f"{name}: {id_of[name]} and {image_id}"
            findings.wrong("images with the same file_name", both, path="annotations")
        if name not in own and not findings.may_open(path, path="images"):
            images[image_id] = (path, *SIZE_UNKNOWN)
            continue
        # isfile raises nothing for a name that no file can have.
        exists = present is not None and (name in present or os.path.isfile(path))
        if present is not None and not exists:
            findings.wrong("image files that do not exist", str(path), path="images", kind="environment")
        noted, size = _noted_size(item), None
        if exists:
            size = size_as_noted(path, noted=noted, headers=headers, findings=findings, field="images")
        height, width = size or SIZE_UNKNOWN
        images[image_id] = (path, height, width)
    return images


def _is_text(name: str) -> bool:
    """JSON can say half of a pair of surrogates, which no file name has."""
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        return False
    return True


def _noted_size(item: Table) -> tuple[int, int] | None:
    height, width = item.get("height"), item.get("width")
    if type(height) is int and type(width) is int and 0 < min(height, width) <= max(height, width) <= SIZE_UNKNOWN[0]:
        return height, width
    return None


def _records(
    items: list[Table],
    *,
    images: Mapping[int, tuple[Path, int, int]],
    label_of: Mapping[int, int],
    masks: bool,
    findings: Findings,
) -> list[Record]:
    items = [*_known(items, images=images, label_of=label_of, findings=findings)]
    xywh = np.array([item["bbox"] for item in items], dtype=np.float64).reshape(-1, 4)
    boxes = np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1)
    sizes = np.array([images[item["image_id"]][1:] for item in items], dtype=np.int64).reshape(-1, 2)

    def describe(row: int) -> str:
        return f"annotation {_shown(items[row].get('id', '?'))} of {images[items[row]['image_id']][0].name}"

    _, usable = checked_boxes(boxes, sizes=sizes, describe=describe, findings=findings, path="annotations")
    encoded = _masks(items, sizes=sizes, usable=usable, describe=describe, findings=findings) if masks else None
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
            masks=None if encoded is None else tuple(encoded[row] for row in rows.tolist()),
        )
        for image_id, (path, height, width) in images.items()
        for rows in [np.array(rows_of[image_id], dtype=np.int64)]
    ]


def _masks(
    items: list[Table],
    *,
    sizes: np.ndarray,
    usable: np.ndarray,
    describe: Callable[[int], str],
    findings: Findings,
) -> dict[int, bytes]:
    """Row -> encoded mask, of the rows that are used and whose image is there."""
    from specdet.data.segmentation import encoded_masks  # who wants no masks does without

    rows = np.flatnonzero(usable & (sizes < SIZE_UNKNOWN[0]).all(axis=1))
    found = encoded_masks(
        [items[row].get("segmentation") for row in rows],
        sizes=sizes[rows],
        describe=lambda place: describe(int(rows[place])),
        findings=findings,
        path="annotations",
    )
    return dict.fromkeys(np.flatnonzero(usable).tolist(), b"") | dict(zip(rows.tolist(), found, strict=True))


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
        name = f"annotation {_shown(own_id) if own_id is not None else f'[{place}]'}"
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
            findings.wrong(
                "annotations whose bbox is not four numbers", f"{name}: {_shown(item['bbox'])}", path="annotations"
            )
        elif label_of[item["category_id"]] >= 0:
            yield item


def _shown(value: object) -> str:
    """What stands in the file, as far as it fits in a line: lists in lists without end are JSON, too."""
    return value if isinstance(value, str) else reprlib.repr(value)


def _area(item: Table) -> float:
    """The area noted, which COCO means to be that of the mask; that of the box where there is none."""
    area = item.get("area")
    return area if _is_number(area) and area >= 0 else item["bbox"][2] * item["bbox"][3]


def _is_number(value: object) -> TypeGuard[float]:
    """NaN is let through: the box check says where it stands."""
    return isinstance(value, int | float) and not isinstance(value, bool) and not abs(value) > LARGEST
