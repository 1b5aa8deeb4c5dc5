"""Stored predictions for tests: pictures whose objects are drawn, and what was found on them."""

import io
from pathlib import Path

from PIL import Image, ImageDraw

from specdet.runs.predictions import (
    IMAGES,
    Predictions,
    StoredDetection,
    StoredImage,
    StoredObject,
    image_name,
    write_predictions,
)
from tests.runs.made import RUN_ID, made

CLASSES = ("cat", "dog")
CAT, DOG = StoredObject(box=(20, 30, 60, 70), label=0), StoredObject(box=(80, 10, 110, 50), label=1)
SIZE = (120, 90)
# One object found well, one missed; one detection that overlaps nothing.
FOUND = (
    StoredDetection(box=(20, 30, 60, 70), score=0.9, label=0),
    StoredDetection(box=(0, 70, 15, 88), score=0.6, label=1),
    StoredDetection(box=(80, 10, 110, 50), score=0.3, label=1),
)
SPEC = """spec = 1
[data.val]
type = "Coco"
[eval.bbox]
type = "CocoBox"
[hooks.predictions]
type = "Predictions"
[hooks.evaluate]
type = "Evaluation"
every = { iters = 10 }
"""


def image(image_id: int, *, file: str = "", objects=(CAT, DOG), detections=FOUND) -> StoredImage:
    width, height = SIZE
    name = file or f"{image_id}.jpg"
    return StoredImage(
        id=image_id, file=name, width=width, height=height, objects=tuple(objects), detections=tuple(detections)
    )


def picture(objects=(CAT, DOG), *, size=SIZE) -> bytes:
    """White objects on black, with sharp edges, which JPEG would blur."""
    drawn = Image.new("RGB", size, "black")
    for each in objects:
        x1, y1, x2, y2 = each.box
        ImageDraw.Draw(drawn).rectangle((x1, y1, x2 - 1, y2 - 1), fill="white")
    file = io.BytesIO()
    drawn.save(file, "PNG")
    return file.getvalue()


def predictions(iter: int, images, *, gives_classes: bool = True) -> Predictions:
    return Predictions(
        iter=iter, epoch=iter // 10, classes=CLASSES, gives_classes=gives_classes, min_score=0.05, most=100, total=50,
        images=tuple(images),
    )  # fmt: skip


def run_with(root: Path, steps: dict, *, run_id: str = RUN_ID, spec: str = SPEC, state: str = "finished") -> Path:
    """A run that has stored, for each step, some images."""
    run = made(
        root, run_id, state={"state": state, "attempt": 1, "t": 1100.0}, progress={"iter": max(steps, default=0)}
    )
    (run / "spec.toml").write_text(spec)
    for iter, images in steps.items():
        write_predictions(run, predictions(iter, images))
        for each in images:
            (run / IMAGES).mkdir(exist_ok=True)
            (run / image_name(each.id)).write_bytes(picture(each.objects, size=(each.width, each.height)))
    return run
