"""Small data sets on disk, and samples."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import tv_tensors

from specdet.data.sample import Sample
from specdet.data.spec import CocoSpec


def make_sample(
    image: torch.Tensor, boxes: list[list[float]] | torch.Tensor, *, labels: list[int] | None = None
) -> Sample:
    """A sample with the given (3, H, W) uint8 image and xyxy boxes."""
    size = (image.shape[1], image.shape[2])
    boxes = torch.as_tensor(boxes, dtype=torch.float32).reshape(-1, 4)
    return Sample(
        image=tv_tensors.Image(image),
        boxes=tv_tensors.BoundingBoxes(boxes, format="XYXY", canvas_size=size),
        labels=torch.tensor(labels if labels is not None else [0] * len(boxes), dtype=torch.int64),
        crowd=torch.zeros(len(boxes), dtype=torch.bool),
        image_id=7,
        original_size=size,
        key=1,
    )


class CocoFolder:
    """A small COCO data set: three images of 60 x 40 px, of which the last holds no object."""

    def __init__(self, folder: Path):
        self.images = folder / "images"
        self.file = folder / "annotations.json"
        self.images.mkdir()
        pixels = np.random.default_rng(0).integers(0, 256, (3, 40, 60, 3), dtype=np.uint8)
        for number, picture in enumerate(pixels):
            Image.fromarray(picture).save(self.images / f"{number}.png")
        self.pixels = pixels
        self.data: dict = {
            "images": [
                {"id": 10 * number + 3, "file_name": f"{number}.png", "height": 40, "width": 60} for number in range(3)
            ],
            "annotations": [
                {"id": 5, "image_id": 3, "category_id": 9, "bbox": [10, 5, 20, 30], "area": 500, "iscrowd": 0},
                {"id": 6, "image_id": 13, "category_id": 2, "bbox": [0, 0, 60, 40], "area": 2400, "iscrowd": 1},
                {"id": 8, "image_id": 3, "category_id": 2, "bbox": [50.5, 30, 9.5, 10], "area": 90, "iscrowd": 0},
            ],
            "categories": [{"id": 9, "name": "cat"}, {"id": 2, "name": "dog"}],
        }
        self.write()

    def write(self) -> None:
        """Write `data` as it is now."""
        self.file.write_text(json.dumps(self.data))

    def spec(self, **fields) -> CocoSpec:
        """The spec that reads it."""
        return CocoSpec(images=self.images, annotations=self.file, **fields)


@pytest.fixture
def coco(tmp_path: Path) -> CocoFolder:
    """A small valid COCO data set that a test may spoil."""
    return CocoFolder(tmp_path)


VOC_OBJECT = """<object><name>{name}</name><difficult>{difficult}</difficult><bndbox>
<xmin>{box[0]}</xmin><ymin>{box[1]}</ymin><xmax>{box[2]}</xmax><ymax>{box[3]}</ymax></bndbox></object>"""


class VocFolder:
    """A VOC data set that is filled by `add`; its split is called "train"."""

    def __init__(self, folder: Path):
        self.folder = folder
        for name in ("JPEGImages", "Annotations", "ImageSets/Main"):
            (folder / name).mkdir(parents=True)
        (folder / "ImageSets/Main/train.txt").touch()

    def add(self, name: str, *objects: tuple[str, tuple, int], size: str = "<width>60</width><height>40</height>"):
        """One image of 60 x 40 px; an object is its class, corners as VOC counts them, and whether it is difficult."""
        Image.new("RGB", (60, 40)).save(self.folder / f"JPEGImages/{name}.jpg")
        elements = "".join(VOC_OBJECT.format(name=kind, box=box, difficult=hard) for kind, box, hard in objects)
        (self.folder / f"Annotations/{name}.xml").write_text(f"<annotation><size>{size}</size>{elements}</annotation>")
        with (self.folder / "ImageSets/Main/train.txt").open("a") as listing:
            listing.write(f"{name}\n")


@pytest.fixture
def voc(tmp_path: Path) -> VocFolder:
    """An empty VOC data set."""
    return VocFolder(tmp_path)


@pytest.fixture
def messages() -> Callable[[BaseException], str]:
    """All problems of a SpecError, one a line, with their paths."""
    return lambda error: "\n".join(f"{problem.kind} {problem.path}: {problem.message}" for problem in error.problems)  # type: ignore[attr-defined]


class YoloFolder:
    """A data set in Ultralytics' layout that is filled by `add`, with a data.yaml of its split "train"."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.describe("train: images/train\nval: images/val\nnames: [cat, dog]\n")

    def describe(self, text: str) -> None:
        """Write data.yaml."""
        (self.folder / "data.yaml").write_text(text)

    def add(self, name: str, *rows: str, size: tuple[int, int] = (60, 40), place: str = "train") -> Path:
        """One image of (width, height) px with its rows; without any it has no file of labels."""
        image = self.folder / "images" / place / name
        image.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size).save(image)
        labels = self.folder / "labels" / place / f"{image.stem}.txt"
        labels.parent.mkdir(parents=True, exist_ok=True)
        if rows:
            labels.write_text("\n".join(rows))
        return labels


@pytest.fixture
def yolo(tmp_path: Path) -> YoloFolder:
    """An empty YOLO data set."""
    return YoloFolder(tmp_path)


@pytest.fixture
def make_yolo() -> type[YoloFolder]:
    """An empty YOLO data set in a folder of the test's choice."""
    return YoloFolder
