"""Images of a set with their boxes, as they are annotated."""

import os
from pathlib import Path

import numpy as np

from app.browsing.columns import Columns
from app.browsing.opened import OpenedSet
from app.browsing.pictures import Picture, picture_of_file, picture_of_pixels
from app.looking.scene import Box, Scene
from app.security.roots import Roots
from specdet.data.shapes import Shapes


def name_of(columns: Columns, index: int) -> str:
    """What people call an image: its file, or its number."""
    name = os.fsdecode(bytes(columns.names[index]))
    return name or f"image {int(columns.ids[index])}"


def path_of(columns: Columns, index: int) -> Path | None:
    """Where an image lies; None where it is no file."""
    name = os.fsdecode(bytes(columns.names[index]))
    return (columns.folder or Path()) / name if name else None


def annotated(opened: OpenedSet, index: int, *, roots: Roots) -> Scene:
    """An image as it is annotated; one that cannot be shown has a sentence for it, and its boxes."""
    columns = opened.columns
    assert columns is not None and opened.reader is not None, "a set that can be read"
    path = path_of(columns, index)
    if path is not None:
        picture = picture_of_file(path, roots=roots)
    elif isinstance(opened.reader, Shapes):
        picture = picture_of_pixels(opened.reader.pixels(index))
    else:  # of a plugin, which has no other way
        picture = picture_of_pixels(opened.reader.image(index).permute(1, 2, 0).numpy())
    height, width = columns.sizes[index].tolist() if columns.has_size[index] else (0, 0)
    note = picture.problem
    if picture.jpeg and width and (picture.width, picture.height) != (width, height):
        note = f"the file has {picture.width} x {picture.height} px, its annotations are for {width} x {height}"
    here = slice(columns.ends[index], columns.ends[index + 1])
    boxes = boxes_of(columns.boxes[here], columns.labels[here], columns.crowd[here], classes=columns.classes)
    if not picture.jpeg:  # the boxes alone, in an image that holds them
        far = columns.boxes[here][:, 2:].max(axis=0, initial=1.0).tolist()
        picture = Picture(width=width or round(far[0]), height=height or round(far[1]))
    return Scene(
        image=picture.jpeg,
        width=picture.width,
        height=picture.height,
        boxes=tuple(boxes),
        title=f"{index}: {name_of(columns, index)}",
        key=str(index),
        note=note or size_of(picture.width, picture.height),
    )


def size_of(width: int, height: int) -> str:
    """What stands below a picture."""
    return f"{width} x {height} px"


def boxes_of(boxes: np.ndarray, labels: np.ndarray, crowd: np.ndarray, *, classes: tuple[str, ...]) -> list[Box]:
    """Boxes (G, 4) xyxy, labels and crowd (G,) of one image."""
    return [
        Box(x1=x1, y1=y1, x2=x2, y2=y2, label=classes[label], kind="crowd" if is_crowd else "object")
        for (x1, y1, x2, y2), label, is_crowd in zip(boxes.tolist(), labels.tolist(), crowd.tolist(), strict=True)
    ]
