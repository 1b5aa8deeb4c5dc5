"""The data sets that a file or a folder holds, found by how it is laid out."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from specdet.data.spec import YAML, CocoSpec, FilesSpec, VocSpec, YoloSpec
from specdet.data.yolo_layout import described_by, splits_of
from specdet.spec import SpecError

ROBOFLOW = "_annotations.coco.json"
FIRST_NAME = re.compile(rb'"file_name"\s*:\s*("(?:[^"\\]|\\.)*")')
HEAD = 1 << 20  # bytes in which a COCO file names its first image
VOC_LIST = re.compile(r"[^_]+")  # others, as cat_train.txt, are of one class


def sets_in(path: Path, *, images: Path | None = None) -> dict[str, FilesSpec]:
    """The sets by name: `train`, `val`, or as their lists, folders or files are called.

    Args:
        path: A COCO file, a data.yaml, or a folder in the layout of COCO, VOC or YOLO.
        images: The folder of the images of COCO files, where it is not beside them.

    Raises:
        SpecError: Where it is nothing of that kind; the message says what would be.
    """
    if path.is_file():
        if path.suffix in YAML:
            return _yolo(path)
        if path.suffix == ".json":
            return _coco([path], images)
    elif path.is_dir():
        for layout in LAYOUTS:
            if found := layout(path, images):
                return found
    what = "is no data set" if path.exists() else "does not exist"
    needed = "a COCO file (.json), a data.yaml, or a folder in the layout of COCO, VOC or YOLO"
    raise SpecError.one(f"{path} {what}: give a spec (.toml), {needed}", kind="environment")


def _voc(folder: Path, images: Path | None) -> dict[str, FilesSpec]:
    lists = folder / "ImageSets" / "Main"
    if not (folder / "Annotations").is_dir() or not lists.is_dir():
        return {}
    names = [path.stem for path in sorted(lists.glob("*.txt")) if VOC_LIST.fullmatch(path.stem)]
    usual = [name for name in ("train", "val", "test") if name in names]
    return {name: _spec(VocSpec, folder=folder, split=name) for name in usual or names}


def _coco_folder(folder: Path, images: Path | None) -> dict[str, FilesSpec]:
    own = folder / ROBOFLOW
    files = [own] if own.is_file() else [*sorted(folder.glob(f"*/{ROBOFLOW}"))]
    files = files or sorted((folder / "annotations").glob("*.json"))
    return _coco(files, images)


def _yolo_folder(folder: Path, images: Path | None) -> dict[str, FilesSpec]:
    found = described_by(folder) is not None or (folder / "images").is_dir() or any(folder.glob("*/images"))
    return _yolo(folder) if found else {}


LAYOUTS: tuple[Callable[[Path, Path | None], dict[str, FilesSpec]], ...] = (_voc, _coco_folder, _yolo_folder)


def _coco(files: list[Path], images: Path | None) -> dict[str, FilesSpec]:
    found: dict[str, FilesSpec] = {}
    for file in files:
        name = file.parent.name if file.name == ROBOFLOW else file.stem.removeprefix("instances_")
        found[name] = _spec(CocoSpec, images=images or _images_of(file, name), annotations=file)
    return found


def _images_of(file: Path, name: str) -> Path:
    """The folder in which the first image that a COCO file names lies."""
    with file.open("rb") as content:
        match = FIRST_NAME.search(content.read(HEAD))
    if match is None:
        return file.parent  # no image, or no COCO file: the reader says which
    first = json.loads(match[1])
    for folder in _folders_near(file, name):
        if (folder / first).is_file():
            return folder
    raise SpecError.one(f"{file}: its image {first} lies nowhere near: say where, with --images", kind="environment")


def _folders_near(file: Path, name: str) -> Iterator[Path]:
    for folder in (file.parent, file.parent.parent):
        yield from (folder, folder / "images", folder / "images" / name, folder / name)


def _yolo(path: Path) -> dict[str, FilesSpec]:
    return {split or path.stem: _spec(YoloSpec, folder=path, split=split) for split in splits_of(path)}


def _spec(kind: Callable[..., FilesSpec], **fields: Any) -> FilesSpec:
    return kind(**{key: value.absolute() if isinstance(value, Path) else value for key, value in fields.items()})
