"""COCO, VOC and YOLO files, changed: a problem that names the file, or the boxes that a second reading finds."""

import json
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import orjson
from defusedxml.ElementTree import parse

from specdet.data.box_check import FARTHEST
from specdet.data.coco import read_coco
from specdet.data.file_reader import FileReader
from specdet.data.findings import Findings
from specdet.data.spec import VocSpec, YoloSpec
from specdet.data.voc import CORNERS, read_voc
from specdet.data.yolo import read_yolo
from specdet.masks import rle
from specdet.spec import SpecError
from tests.data.conftest import CocoFolder, VocFolder, YoloFolder
from tests.fuzzing.changes import changed_bytes, changed_json, changed_xml

LARGEST_DECODED = 1 << 24  # pixels
Boxes = Counter[tuple[int, str, tuple[float, ...]]]


def attempt(
    read: Callable[..., FileReader],
    expected: Callable[[], Boxes],
    *,
    folder: Path,
    rng: Random,
    bounded: bool = False,
) -> str:
    """Read what was changed, and compare; "told" or "read". Other folders are never opened if `bounded`."""
    findings = Findings(folder, folders=[folder]) if bounded or rng.random() < 0.3 else None
    try:
        reader = read(training=False, headers=rng.random() < 0.5, findings=findings)
        if findings is not None:
            assert_can_be(reader)  # whatever can be used of the files
            findings.settle()
    except SpecError as error:
        assert error.problems
        for problem in error.problems:
            assert str(folder) in problem.message, f"names no file: {problem.message}"
            assert len(problem.message) < 20_000, "as long as a file"
            assert problem.message.encode(), "cannot be printed"
        return "told"
    assert_can_be(reader)
    found: Boxes = Counter()
    for record in (reader.record(index) for index in range(len(reader))):
        for box, label in zip(record.boxes.tolist(), record.labels.tolist(), strict=True):
            found[record.image_id, reader.classes[label], tuple(box)] += 1
    assert found == expected(), f"{found} is not {expected()}"
    return "read"


def assert_can_be(reader: FileReader) -> None:
    """What holds of all records."""
    for index in range(len(reader)):
        record = reader.record(index)
        count = len(record.labels)
        assert record.boxes.shape == (count, 4) and record.boxes.dtype == np.float32
        assert record.crowd.shape == record.area.shape == (count,)
        assert np.isfinite(record.boxes).all() and (np.abs(record.boxes) <= 2 * FARTHEST).all()
        assert np.isfinite(record.area).all() and (record.area >= 0).all()
        assert (record.boxes[:, 2:] >= record.boxes[:, :2]).all()
        assert (record.labels >= 0).all() and (record.labels < len(reader.classes)).all()
        assert record.height > 0 and record.width > 0
        if record.masks is not None:
            assert len(record.masks) == count
            if record.height * record.width <= LARGEST_DECODED:
                masks = rle.decode(record.masks, height=record.height, width=record.width)
                assert masks.shape == (count, record.height, record.width) and masks.max(initial=0) <= 1


def rounded(*numbers: float) -> tuple[float, ...]:
    return tuple(np.array(numbers, dtype=np.float64).astype(np.float32).tolist())


def parsed(content: bytes) -> Any:
    try:
        return orjson.loads(content)  # takes deeper lists than Python
    except orjson.JSONDecodeError:
        return json.loads(content)  # takes NaN


class Coco:
    """Boxes, crowds, polygons, and run lengths of both forms."""

    def __init__(self, folder: Path):
        self.set = CocoFolder(folder)
        one, two, three = self.set.data["annotations"]
        one["segmentation"] = [[10, 5, 30, 5, 30, 35, 12.5, 30], [15, 10, 20, 10, 20, 20]]
        two["segmentation"] = {"size": [40, 60], "counts": [100, 40, 60, 2200]}
        (text,) = rle.encode(np.pad(np.ones((1, 8, 9), dtype=np.uint8), ((0, 0), (31, 1), (50, 1))))
        three["segmentation"] = {"size": [40, 60], "counts": text.decode()}
        self.set.write()
        self.files = {self.set.file: self.set.file.read_bytes()}

    def attempt(self, rng: Random) -> str:
        change = changed_json if rng.random() < 0.6 else changed_bytes
        return self.outcome(self.set.file, change(self.files[self.set.file], rng), rng)

    def outcome(self, path: Path, content: bytes, rng: Random) -> str:
        """What comes of the set where the file `path` has another content."""
        path.write_bytes(content)
        read = partial(read_coco, self.set.spec(), masks=rng.random() < 0.7)
        return attempt(read, lambda: self.expected(parsed(content)), folder=path.parent, rng=rng)

    @staticmethod
    def expected(data: dict[str, Any]) -> Boxes:
        names = {each["id"]: each["name"] for each in data["categories"]}
        boxes: Boxes = Counter()
        for each in data["annotations"]:
            x, y, width, height = each["bbox"]
            if x + width > x and y + height > y:
                boxes[each["image_id"], names[each["category_id"]], rounded(x, y, x + width, y + height)] += 1
        return boxes


class Voc:
    """Three images; the list of names is changed, too."""

    def __init__(self, folder: Path):
        self.set = VocFolder(folder)
        self.set.add("a", ("dog", (5, 5, 20, 20), 0), ("cat", (1, 1, 60, 40), 1))
        self.set.add("b", ("cat", (2.5, 3.5, 9, 9), 0), size="<width>0</width><height>0</height>")
        self.set.add("c")
        self.files = {path: path.read_bytes() for path in sorted(folder.rglob("*.xml")) + sorted(folder.rglob("*.txt"))}

    def attempt(self, rng: Random) -> str:
        path = rng.choice([*self.files])
        structured = path.suffix == ".xml" and rng.random() < 0.6
        return self.outcome(path, (changed_xml if structured else changed_bytes)(self.files[path], rng), rng)

    def outcome(self, path: Path, content: bytes, rng: Random) -> str:
        """What comes of the set where the file `path` has another content."""
        path.write_bytes(content)
        spec = VocSpec(folder=self.set.folder, split="train")
        try:
            return attempt(partial(read_voc, spec), self.expected, folder=self.set.folder, rng=rng)
        finally:
            path.write_bytes(self.files[path])

    def expected(self) -> Boxes:
        listing = (self.set.folder / "ImageSets/Main/train.txt").read_text(encoding="utf-8", errors="replace")
        names = [line.split()[0] for line in listing.splitlines() if line.split()]
        boxes: Boxes = Counter()
        for image_id, name in enumerate(names):
            root = parse(self.set.folder / f"Annotations/{name}.xml").getroot()
            texts = [root.findtext(f"size/{side}", "").strip() for side in ("width", "height")]
            sides = [int(text) if text.isdecimal() and len(text) < 10 else 0 for text in texts]
            limits = np.array(sides if min(sides) > 0 else (60, 40))
            for element in root.iter("object"):
                corners = np.array([float(element.findtext(f"bndbox/{key}")) for key in CORNERS])
                low, high = corners[:2] - 1, corners[2:]
                if (corners[:2] != high).all() and (high > low).all():
                    box = np.concatenate([low, high]).clip(0, np.tile(limits, 2))
                    boxes[image_id, element.findtext("name").strip(), rounded(*box)] += 1
        return boxes


class Yolo:
    """A data set of boxes and outlines; data.yaml, a list of files and the files of labels are changed."""

    def __init__(self, folder: Path):
        self.set = YoloFolder(folder)
        self.set.describe("path: .\ntrain: train.txt\nval: [images/train]\nnc: 2\nnames:\n  0: cat\n  1: 'dog'\n")
        (folder / "train.txt").write_text("./images/train/a.png\nimages/train/b.jpg\n")
        self.set.add("a.png", "0 0.5 0.5 0.25 0.5", "1 0.1 0.1 0.9 0.1 0.9 0.9 0.2 0.8")
        self.set.add("b.jpg", "1 0.625 0.25 0.125 0.125", "")
        self.files = {path: path.read_bytes() for path in (*sorted(folder.rglob("*.txt")), folder / "data.yaml")}

    def attempt(self, rng: Random) -> str:
        path = rng.choice([*self.files])
        if path.suffix == ".yaml" and rng.random() < 0.3:
            return self.outcome(path, changed_yaml(self.files[path].decode(), rng), rng)
        return self.outcome(path, changed_bytes(self.files[path], rng), rng)

    def outcome(self, path: Path, content: bytes, rng: Random) -> str:
        """What comes of the set where the file `path` has another content."""
        path.write_bytes(content)
        spec = YoloSpec(folder=self.set.folder, split=rng.choice(("train", "train", "val")))
        try:
            expected = partial(self.expected, spec.split)
            return attempt(partial(read_yolo, spec), expected, folder=self.set.folder, rng=rng, bounded=True)
        finally:
            path.write_bytes(self.files[path])

    def expected(self, split: str) -> Boxes:
        import yaml

        folder = self.set.folder
        table = yaml.load((folder / "data.yaml").read_bytes(), Loader=yaml.BaseLoader)
        names = table["names"]
        names = names if isinstance(names, list) else [names[str(number)] for number in range(len(names))]
        boxes: Boxes = Counter()
        images = dict.fromkeys(self.images(table[split]))
        for image_id, image in enumerate(images):
            labels = folder / "labels/train" / f"{image}.txt"
            text = labels.read_text(encoding="utf-8-sig", errors="replace") if labels.is_file() else ""
            for words in dict.fromkeys(tuple(line.split()) for line in text.splitlines()):
                if words:
                    number, *parts = map(float, words)
                    box = self.box(parts)
                    if (box[2:] > box[:2]).all():
                        box = box.clip(0, [60, 40, 60, 40])
                        boxes[image_id, names[int(number)], rounded(*box)] += 1
        return boxes

    def images(self, entry: Any) -> list[str]:
        """The stems of the split's images, whatever changes its entries may have."""
        found = []
        for each in [entry] if isinstance(entry, str) else entry:
            if each.endswith(".txt"):
                text = (self.set.folder / "train.txt").read_text(encoding="utf-8", errors="replace")
                found += [Path(line.strip()).stem for line in text.splitlines() if line.strip()]
            else:
                found += ["a", "b"]
        return found

    @staticmethod
    def box(parts: list[float]) -> np.ndarray:
        if len(parts) == 4:
            centre, sides = np.array(parts[:2]) * (60, 40), np.array(parts[2:]) * (60, 40)
            return np.concatenate([centre - sides / 2, centre + sides / 2])
        corners = np.array(parts).reshape(-1, 2)
        low, high = corners.min(0), corners.max(0)
        centre, sides = (low + high) / 2 * (60, 40), (high - low) * (60, 40)
        return np.concatenate([centre - sides / 2, centre + sides / 2])


def changed_yaml(text: str, rng: Random) -> bytes:
    """Another value of a key: of another type, a path that cannot be, or one that grows when it is written out."""
    key = rng.choice(("path", "train", "val", "nc", "names"))
    grown = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 12))
    words = ["~", "[]", "{}", "*l11", "/", "..", "-1", "1e999"]
    words += ["", "[[a]]", "{a: b}", "{0: [x]}", "a" * 5000, '"a\\0b"', "[" * 3000 + "]" * 3000, "[a, a]", "[cat, dog]"]
    words += ["{0: *l11}", "[*l11, *l11]", "{*l11 : a}", "{{a: b}: c}", "!!python/none x"]
    lines = [line for line in text.splitlines() if not line.startswith((f"{key}:", "  " if key == "names" else "\0"))]
    return f"l0: &l0 [lol, lol]\n{grown}{chr(10).join(lines)}\n{key}: {rng.choice(words)}\n".encode()
