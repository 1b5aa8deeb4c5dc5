"""convert: data sets in another format, with a spec that reads them."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from specdet.data.concat import classes_differ
from specdet.data.reader import Reader
from specdet.data.writing.coco import CocoWriter
from specdet.data.writing.images import Files
from specdet.data.writing.voc import VocWriter
from specdet.data.writing.written import Written
from specdet.data.writing.yolo import YoloWriter
from specdet.spec import SpecError
from specdet.spec.values import value_text

Format = Literal["coco", "voc", "yolo"]
WRITERS = {"coco": CocoWriter, "voc": VocWriter, "yolo": YoloWriter}
SPEC = "data.toml"
TRAIN, VAL = ("train",), ("val", "valid", "validation", "test")


def convert(readers: Mapping[str, Reader], *, to: Format, folder: Path, files: Files = "copy") -> list[Written]:
    """Write data sets into a new folder, boxes and classes in their order, and data.toml, which specs can extend.

    Args:
        readers: By the names that the sets get.
        folder: Is made; nothing is in it yet.
        files: Copy the images, link to them, or only refer to them, as COCO's format can.

    Raises:
        SpecError: Where the sets have different classes, or the format cannot refer to images elsewhere.
        FileExistsError: Where the folder has something in it.
        OSError: From the disk; nothing is left then.
    """
    if files == "refer" and to != "coco":
        raise SpecError.one(f"{to} has its images in its own folder, and cannot refer to others: copy or link them")
    if difference := classes_differ({name: reader.classes for name, reader in readers.items()}):
        raise SpecError.one(difference)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(17, "is there already, and stays: name another folder", str(folder))
    part = folder.with_name(f".{folder.name}.part")
    part.mkdir(parents=True)
    try:
        writer = WRITERS[to](part, files=files)
        written = [writer.write(reader, name=name) for name, reader in readers.items()]
        writer.finish(written)
        (part / SPEC).write_text(_spec_text(written), encoding="utf-8")
        part.replace(folder)
    except BaseException:  # an interruption, too, leaves nothing half written
        shutil.rmtree(part, ignore_errors=True)
        raise
    return written


def _spec_text(written: list[Written]) -> str:
    """A part of a spec: the first training set as data.train, the first other one as data.val."""
    train = next((each for each in written if each.name.startswith(TRAIN)), None)
    val = next((each for each in written if each is not train and each.name.startswith(VAL)), None)
    if train is None and val is None:
        train = written[0]
    lines = ['# Written by `specdet data convert`; use it in a spec: extends = ["PATH/TO/data.toml"]']
    for role, each in (("train", train), ("val", val)):
        if each is not None:
            keys = {**each.keys, "classes": [*each.classes]}
            lines += ["", f"[data.{role}]", *(f"{key} = {value_text(value)}" for key, value in keys.items())]
    return "\n".join([*lines, ""])
