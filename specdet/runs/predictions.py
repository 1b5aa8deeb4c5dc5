"""predictions/: what a detector found on some images at each evaluation, so that it can be looked at without data.

    predictions/iter_00000123.jsonl    a header, then a line for each image
    predictions/images/17.jpg          the image with the id 17, as large as it is looked at

The header is `{"v", "iter", "epoch", "classes", "gives_classes", "min_score", "most", "total"}`, a line of an image
`{"id", "file", "width", "height", "objects", "detections"}`. An object is `[x1, y1, x2, y2, label, crowd]`, a detection
`[x1, y1, x2, y2, score, label]`, best first. Boxes are in pixels of the original image, half-open; crowd is 0 or 1.
"""

import json
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from specdet.runs.files import write_text

VERSION = 1
FOLDER = "predictions"
IMAGES = "predictions/images"
NAME = re.compile(r"iter_(\d{8,15})\.jsonl")
MOST_BYTES = 1 << 26  # of a file that is read at all: thousands of images, and a GiB of objects
FARTHEST = 1e7  # px; no box reaches further
LARGEST = 1_000_000  # px; no image is wider or higher
MOST_PAIRS = 4_000_000  # of objects and detections of an image: who looks compares each with each, in memory
LAST_ID = 1 << 63
LONGEST = 300  # characters of a name
TOLD = 20  # of what is wrong with a file

Corners = tuple[float, float, float, float]


@attrs.frozen(kw_only=True)
class StoredObject:
    """An object of the ground truth: xyxy in px, its label, and whether it is a crowd, which counts neither way."""

    box: Corners
    label: int
    crowd: bool = False


@attrs.frozen(kw_only=True)
class StoredDetection:
    """What was found: xyxy in px, a score from 0 to 1, and the label, 0 where the detector tells no classes apart."""

    box: Corners
    score: float
    label: int


@attrs.frozen(kw_only=True)
class StoredImage:
    """One image: its id and file name in the data set, its size in px, what is on it and what was found."""

    id: int
    file: str
    width: int
    height: int
    objects: tuple[StoredObject, ...] = ()
    detections: tuple[StoredDetection, ...] = ()


@attrs.frozen(kw_only=True)
class Predictions:
    """What was found after so many optimizer steps.

    Attributes:
        iter, epoch: Optimizer steps and training epochs completed.
        classes: Names in the order of the labels.
        gives_classes: Whether the detector tells classes apart.
        min_score: Detections that score less were left out.
        most: Detections kept of an image.
        total: Images of the whole data set, of which these are some.
        skipped: A sentence for each part of the file that made no sense.
    """

    iter: int
    epoch: int
    classes: tuple[str, ...]
    gives_classes: bool
    min_score: float
    most: int
    total: int
    images: tuple[StoredImage, ...] = ()
    skipped: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Steps:
    """The steps of a run of which there are predictions, ascending, and what else lies there, in sentences."""

    iters: tuple[int, ...] = ()
    skipped: tuple[str, ...] = ()


def file_name(iter: int) -> str:
    """The path, in its run directory, of the predictions after so many optimizer steps."""
    return f"{FOLDER}/iter_{iter:08d}.jsonl"


def image_name(image_id: int) -> str:
    """The path of an image in its run directory."""
    return f"{IMAGES}/{image_id}.jpg"


def write_predictions(run: Path, predictions: Predictions) -> Path:
    """Write them in one step; gives the file. Raises OSError."""
    path = run / file_name(predictions.iter)
    path.parent.mkdir(exist_ok=True)
    write_text(path, "".join(f"{json.dumps(line, separators=(',', ':'))}\n" for line in _lines(predictions)))
    return path


def stored_steps(run: Path) -> Steps:
    """The steps that there are; links are not followed. Raises OSError."""
    folder, found, skipped = run / FOLDER, [], []
    if folder.is_symlink():
        return Steps(skipped=(f"{FOLDER} is a link: it is not followed",))
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return Steps()
    for entry in entries:
        match = NAME.fullmatch(entry.name)
        if match is None or entry.name != Path(file_name(int(match[1]))).name:
            continue
        if entry.is_file(follow_symlinks=False):
            found.append(int(match[1]))
        else:
            skipped.append(f"{entry.name} is a link or no file: it is not opened")
    return Steps(iters=tuple(sorted(found)), skipped=tuple(skipped))


def remove_steps(run: Path, iters: Iterator[int] | tuple[int, ...]) -> None:
    """Remove the predictions of these steps; the images stay. Raises OSError."""
    for iter in iters:
        (run / file_name(iter)).unlink(missing_ok=True)


def read_predictions(path: Path) -> Predictions:
    """The predictions of a file; what makes no sense in it is left out, and said in `skipped`.

    Raises:
        OSError: Where it cannot be read.
        ValueError: Where it is no such file; the message says why.
    """
    # Neither a link nor a pipe, which would keep us waiting.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ValueError(f"{path.name} is no file")
        if status.st_size > MOST_BYTES:
            raise ValueError(f"{path.name} has {status.st_size} bytes, too many to be read")
        lines = file.read().split(b"\n")
    predictions = _header(_table(lines[0]), name=path.name)
    images: dict[int, StoredImage] = {}
    skipped: list[str] = []
    for number, line in enumerate(lines[1:], start=2):
        if not line:
            continue
        image = _image(_table(line), skipped, place=f"line {number}")
        if image is None:
            skipped.append(f"line {number} is no image")
        elif len(image.objects) * len(image.detections) > MOST_PAIRS:
            skipped.append(f"line {number} has too many boxes to compare them")
        elif image.id in images:
            skipped.append(f"line {number} has the image {image.id} once more")
        else:
            images[image.id] = image
    if len(skipped) > TOLD:
        skipped = [*skipped[:TOLD], f"and {len(skipped) - TOLD} more"]
    return attrs.evolve(predictions, images=tuple(images.values()), skipped=tuple(skipped))


def _lines(predictions: Predictions) -> Iterator[dict[str, Any]]:
    header = attrs.asdict(predictions, recurse=False)
    yield {"v": VERSION, **{key: value for key, value in header.items() if key not in ("images", "skipped")}}
    for image in predictions.images:
        yield {
            "id": image.id,
            "file": image.file,
            "width": image.width,
            "height": image.height,
            "objects": [[*each.box, each.label, int(each.crowd)] for each in image.objects],
            "detections": [[*each.box, each.score, each.label] for each in image.detections],
        }


def _table(line: bytes) -> dict[str, Any]:
    """The JSON object of a line; an empty one where it is none."""
    import orjson

    try:
        table = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return table if isinstance(table, dict) else {}


def _header(table: dict[str, Any], *, name: str) -> Predictions:
    version: Any = table.get("v")
    if _is_count(version) and version > VERSION:
        raise ValueError(f"{name} was written by a later version of specdet: update this one to read it")
    classes = table.get("classes")
    counts = [table.get(key) for key in ("iter", "epoch", "most", "total")]
    min_score, gives_classes = table.get("min_score"), table.get("gives_classes")
    if not (
        version == VERSION
        and isinstance(classes, list)
        and all(isinstance(each, str) for each in classes)
        and all(map(_is_count, counts))
        and _is_number(min_score, most=1)
        and isinstance(gives_classes, bool)
    ):
        raise ValueError(f"{name} does not begin as predictions do: it is damaged, or something else")
    iter, epoch, most, total = (int(count or 0) for count in counts)
    return Predictions(
        iter=iter, epoch=epoch, most=most, total=total, gives_classes=gives_classes, min_score=float(min_score or 0),
        classes=tuple(each[:LONGEST] for each in classes),
    )  # fmt: skip


def _image(table: dict[str, Any], skipped: list[str], *, place: str) -> StoredImage | None:
    number, file, objects, detections = (table.get(key) for key in ("id", "file", "objects", "detections"))
    width: Any = table.get("width")
    height: Any = table.get("height")
    if type(number) is not int or not -LAST_ID <= number < LAST_ID or not isinstance(file, str):
        return None
    if not all(_is_count(side) and 0 < side <= LARGEST for side in (width, height)):
        return None
    if not isinstance(objects, list) or not isinstance(detections, list):
        return None
    told = [found for row in objects if (found := _object(row)) is not None]
    seen = [found for row in detections if (found := _detection(row)) is not None]
    for what, wrong in (("objects", len(objects) - len(told)), ("detections", len(detections) - len(seen))):
        if wrong:
            skipped.append(f"{place}: {wrong} {what} make no sense")
    seen.sort(key=lambda each: -each.score)  # as they should come
    return StoredImage(
        id=number, file=file[:LONGEST], width=width, height=height, objects=tuple(told), detections=tuple(seen)
    )  # fmt: skip


def _object(row: Any) -> StoredObject | None:
    if not isinstance(row, list) or len(row) != 6 or not _is_box(row) or not _is_count(row[4]) or row[5] not in (0, 1):
        return None
    return StoredObject(box=(row[0], row[1], row[2], row[3]), label=row[4], crowd=bool(row[5]))


def _detection(row: Any) -> StoredDetection | None:
    if not isinstance(row, list) or len(row) != 6 or not _is_box(row) or not _is_count(row[5]):
        return None
    if not _is_number(row[4], most=1) or row[4] < 0:
        return None
    return StoredDetection(box=(row[0], row[1], row[2], row[3]), score=float(row[4]), label=row[5])


def _is_box(row: list[Any]) -> bool:
    return all(_is_number(edge, most=FARTHEST) for edge in row[:4]) and row[0] <= row[2] and row[1] <= row[3]


def _is_number(value: Any, *, most: float) -> bool:
    """Whether it is a number, no larger either way; NaN compares false."""
    return type(value) in (int, float) and -most <= value <= most


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < LAST_ID
