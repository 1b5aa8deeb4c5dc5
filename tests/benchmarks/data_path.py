"""From JPEG files to normalised batches, in one process: `python -m tests.benchmarks.data_path [--rounds 9]`.

Photographs of blood cells (`$SPECDET_TEST_BCCD`, 640 x 480 px; noise of many sizes where there are none), as they are
and enlarged, are decoded, scaled to fit 640 x 480 or 320 x 240, mirrored at random, normalised and stacked, four to a
batch, with their boxes. Ours is a data set of a spec, `collate`, and `Preprocess`, which is part of the model and
usually works on its device: here it is counted, on the CPU. Beside it: torchvision's v2 transforms on Pillow's images,
as its references do; Pillow and numpy; and what mmdetection's pipeline does, as calls to OpenCV. torchvision does the
same arithmetic as ours; Pillow filters when it shrinks. All use one thread. Before anything is timed, the images of
each side are held against ours. OpenCV comes with `pip install -e '.[bench]'`.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import v2

from specdet.data.build import build_dataset
from specdet.data.collate import collate
from specdet.models.detectors.preprocess import Preprocess
from specdet.models.detectors.spec import PreprocessSpec
from specdet.structures import Batch
from tests.benchmarks.side_by_side import Row, in_turns, print_rows, rows_of, seconds

OURS, TORCHVISION, PILLOW, OPENCV = "specdet", "torchvision v2", "Pillow", "OpenCV, as mmdetection"
TARGETS = {TORCHVISION: 1 / 1.5, OPENCV: 1 / 1.1}
SOURCES = ((640, 480), (1333, 800), (1920, 1080))  # width, height of the files
FITS = ((640, 480), (320, 240))  # what they are scaled to fit into
COUNT, AT_ONCE, BOXES, QUALITY = 16, 4, 10, 90
MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
DIFFERENCE = {TORCHVISION: 1e-5, OPENCV: 0.02, PILLOW: 0.3}  # of normalised images, at most, on average

Load = Callable[[Sequence[int], int], Tensor]


def write_data(folder: Path, *, size: tuple[int, int]) -> None:
    """`COUNT` photographs of one size, and a COCO file."""
    real = sorted(Path(os.environ.get("SPECDET_TEST_BCCD", "-")).glob("JPEGImages/*.jpg"))[:COUNT]
    draw = np.random.default_rng(0)
    images, annotations = [], []
    for number in range(COUNT):
        path = folder / f"{number}.jpg"
        if real:
            photograph = Image.open(real[number % len(real)]).convert("RGB")
        else:
            layers = [draw.integers(256, size=(side, side, 3), dtype=np.uint8) for side in (4, 16, 64)]
            shown = [np.asarray(Image.fromarray(layer).resize((640, 480)), dtype=np.float32) for layer in layers]
            photograph = Image.fromarray(np.mean(shown, axis=0).astype(np.uint8))
        if real and photograph.size == size:
            path.write_bytes(real[number % len(real)].read_bytes())
        else:
            photograph.resize(size, Image.Resampling.BICUBIC).save(path, quality=QUALITY)
        images.append({"id": number, "file_name": path.name, "width": size[0], "height": size[1]})
        for _ in range(BOXES):
            left, top = draw.uniform(0, 0.7, 2) * size
            box = [float(left), float(top), *(draw.uniform(0.05, 0.25, 2) * size).tolist()]
            annotations.append(
                {"id": len(annotations) + 1, "image_id": number, "category_id": 1, "bbox": box, "iscrowd": 0}
            )
    table = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "cell"}]}
    (folder / "data.json").write_text(json.dumps(table))


def new_size(size: tuple[int, int], fit: tuple[int, int]) -> tuple[int, int]:
    """Width and height of an image that is scaled to fit."""
    scale = min(fit[1] / min(size), fit[0] / max(size))
    return int(size[0] * scale + 0.5), int(size[1] * scale + 0.5)


def boxes_of(folder: Path) -> list[np.ndarray]:
    """(G, 4) float32 xyxy of each image."""
    found: list[list[list[float]]] = [[] for _ in range(COUNT)]
    for each in json.loads((folder / "data.json").read_text())["annotations"]:
        left, top, width, height = each["bbox"]
        found[each["image_id"]].append([left, top, left + width, top + height])
    return [np.array(boxes, dtype=np.float32) for boxes in found]


def ours(folder: Path, *, size: tuple[int, int], fit: tuple[int, int], flip: float) -> Load:
    """A data set, `collate` and `Preprocess`."""
    dataset = build_dataset(
        {"type": "Coco", "images": str(folder), "annotations": str(folder / "data.json")},
        transforms={
            "resize": {"type": "Resize", "short_side": [fit[1]], "long_side": fit[0]},
            "flip": {"type": "Flip", "probability": flip},
        },
        seed=0,
        training=True,
    )
    preprocess = Preprocess(PreprocessSpec(mean=MEAN, std=STD, bgr=False))

    def load(indices: Sequence[int], epoch: int) -> Tensor:
        batch: Batch = collate([dataset[epoch, index] for index in indices], size_divisor=32)
        return preprocess(batch.images, sizes=batch.sizes)

    return load


def stacked(images: Sequence[Tensor]) -> Tensor:
    """(N, 3, H, W) float32, padded at the right and bottom to a multiple of 32."""
    height, width = (-(-max(side) // 32) * 32 for side in zip(*(image.shape[1:] for image in images), strict=True))
    batch = images[0].new_zeros(len(images), 3, height, width)
    for place, image in enumerate(images):
        batch[place, :, : image.shape[1], : image.shape[2]] = image
    return batch


def torchvision_side(folder: Path, *, size: tuple[int, int], fit: tuple[int, int], flip: float) -> Load:
    """v2 transforms on an image and its boxes."""
    width, height = new_size(size, fit)
    transform = v2.Compose(
        [
            v2.ToImage(),
            v2.Resize((height, width), antialias=False),
            v2.RandomHorizontalFlip(flip),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize([each / 255 for each in MEAN], [each / 255 for each in STD]),
        ]
    )
    boxes = [torch.from_numpy(each) for each in boxes_of(folder)]

    def one(index: int) -> Tensor:
        image = Image.open(folder / f"{index}.jpg").convert("RGB")
        box_kind: Any = tv_tensors.BoundingBoxes
        return transform(image, box_kind(boxes[index], format="XYXY", canvas_size=(size[1], size[0])))[0]

    return lambda indices, epoch: stacked([one(index) for index in indices])


def pillow_side(folder: Path, *, size: tuple[int, int], fit: tuple[int, int], flip: float) -> Load:
    """Pillow's resize and mirror, numpy's arithmetic."""
    target, draw, boxes = new_size(size, fit), np.random.default_rng(0), boxes_of(folder)
    mean, scale = np.array(MEAN, dtype=np.float32), 1 / np.array(STD, dtype=np.float32)

    def one(index: int) -> Tensor:
        image = Image.open(folder / f"{index}.jpg").convert("RGB")
        if target != size:
            image = image.resize(target, Image.Resampling.BILINEAR)
        mirror = draw.random() < flip
        _moved(boxes[index], size=size, target=target, mirror=mirror)
        if mirror:
            image = ImageOps.mirror(image)
        pixels = (np.asarray(image, dtype=np.float32) - mean) * scale
        return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))

    return lambda indices, epoch: stacked([one(index) for index in indices])


def opencv_side(folder: Path, *, size: tuple[int, int], fit: tuple[int, int], flip: float) -> Load:
    """LoadImageFromFile, Resize, RandomFlip, Normalize, Pad, DefaultFormatBundle and collate of mmdetection 2."""
    import cv2

    cv2.setNumThreads(1)
    target, draw, boxes = new_size(size, fit), np.random.default_rng(0), boxes_of(folder)
    mean, scale = np.array([MEAN], dtype=np.float64), 1 / np.array([STD], dtype=np.float64)

    def one(index: int) -> Tensor:
        image: Any = cv2.imdecode(np.frombuffer((folder / f"{index}.jpg").read_bytes(), np.uint8), cv2.IMREAD_COLOR)
        if target != size:
            image = cv2.resize(image, target, interpolation=cv2.INTER_LINEAR)
        mirror = draw.random() < flip
        _moved(boxes[index], size=size, target=target, mirror=mirror)
        if mirror:
            image = cv2.flip(image, 1)
        image = image.astype(np.float32)
        cv2.cvtColor(image, cv2.COLOR_BGR2RGB, image)
        cv2.subtract(image, mean, image)
        cv2.multiply(image, scale, image)
        right, bottom = -target[0] % 32, -target[1] % 32
        image = cv2.copyMakeBorder(image, 0, bottom, 0, right, cv2.BORDER_CONSTANT, value=0)
        return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))

    return lambda indices, epoch: torch.stack([one(index) for index in indices])


def _moved(boxes: np.ndarray, *, size: tuple[int, int], target: tuple[int, int], mirror: bool) -> np.ndarray:
    """Boxes on the image as it becomes."""
    moved = boxes * np.array([target[0] / size[0], target[1] / size[1]] * 2, dtype=np.float32)
    if mirror:
        moved[:, [0, 2]] = target[0] - moved[:, [2, 0]]
    return moved


def sides() -> dict[str, Callable[..., Load]]:
    """All that are installed."""
    made = {OURS: ours, TORCHVISION: torchvision_side, PILLOW: pillow_side, OPENCV: opencv_side}
    return {name: side for name, side in made.items() if name != OPENCV or find_spec("cv2")}


def check(folder: Path, *, size: tuple[int, int], fit: tuple[int, int]) -> None:
    """All sides make the same images where nothing is mirrored, but for how they round and filter."""
    loads = {name: side(folder, size=size, fit=fit, flip=0.0) for name, side in sides().items()}
    batches = {name: load([0, 1], 0) for name, load in loads.items()}
    for name, most in DIFFERENCE.items():
        if name in batches:
            difference = float((batches[name] - batches[OURS]).abs().mean())
            assert difference <= most, (name, difference)


def rows(*, rounds: int = 9) -> Iterable[Row]:
    """For each size of files and of images a row a peer, s an image."""
    torch.set_num_threads(1)
    batches = [range(start, start + AT_ONCE) for start in range(0, COUNT, AT_ONCE)]
    for size in SOURCES:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_data(folder, size=size)
            for fit in FITS:
                check(folder, size=size, fit=fit)
                loads = {each: side(folder, size=size, fit=fit, flip=0.5) for each, side in sides().items()}

                def turn(load: Load) -> float:
                    return seconds(lambda: [load(batch, 0) for batch in batches]) / COUNT

                taken = in_turns({each: partial(turn, load) for each, load in loads.items()}, rounds=rounds)
                work = f"{size[0]} x {size[1]} to {fit[0]} x {fit[1]}"
                yield from rows_of(taken, work=work, ours=OURS, targets=TARGETS)


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    print_rows(rows(rounds=max(parser.parse_args().rounds, 2)))
    if not find_spec("cv2"):
        print(f"{OPENCV}: not installed: pip install -e '.[bench]'")


if __name__ == "__main__":
    main()
