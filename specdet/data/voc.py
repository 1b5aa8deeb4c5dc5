"""Reading PASCAL VOC's layout: a list of names in ImageSets/Main, an XML file and an image for each (devkit, 2012)."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable
from pathlib import Path

import attrs
import numpy as np

from specdet.data.box_check import checked_boxes
from specdet.data.file_reader import FileReader, check_header, to_train_on
from specdet.data.findings import Findings
from specdet.data.images import existing_files, image_size
from specdet.data.record import Record
from specdet.data.spec import VocSpec
from specdet.registry import suggestion

CORNERS = ("xmin", "ymin", "xmax", "ymax")


@attrs.frozen(kw_only=True)
class _Object:
    """One `<object>` element: its name, its corners as written, and whether it is marked difficult."""

    name: str
    corners: tuple[float, ...]
    difficult: bool


@attrs.frozen(kw_only=True)
class _Annotation:
    """One XML file; `image_id` is its place in the split, from 0."""

    image_id: int
    path: Path
    height: int
    width: int
    objects: tuple[_Object, ...]


def read_voc(spec: VocSpec, *, training: bool, headers: bool = False) -> FileReader:
    """The images of one split.

    VOC counts pixels from 1 and includes the last one: its box (xmin, ymin, xmax, ymax) is (xmin - 1, ymin - 1, xmax,
    ymax) here. Files that count from 0 lose less than a pixel by that, at the border. A box whose last pixel is its
    first in a direction was a click rather than a drag; it is left out, with a remark.

    Args:
        training: Leave out what `filter_empty` and `min_size` say.
        headers: Open every image file and compare its size with the one noted.

    Raises:
        SpecError: With everything that is wrong with the files, its paths relative to `spec`.
    """
    findings = Findings(spec.folder)
    names = _split(spec, findings)
    annotations = [*_annotations(names, folder=spec.folder, headers=headers, findings=findings)]
    classes = _classes(annotations, wanted=spec.classes, training=training, findings=findings)
    records = _records(annotations, classes=classes, difficult_is_crowd=spec.difficult == "crowd", findings=findings)
    if training:
        records = to_train_on(records, filter_empty=spec.filter_empty, min_size=spec.min_size, findings=findings)
    findings.settle()
    return FileReader(records, classes=classes, folder=spec.folder / "JPEGImages")


def _split(spec: VocSpec, findings: Findings) -> list[str]:
    """The names of the split; raises where the folders or the list are missing."""
    if not spec.folder.is_dir():
        findings.wrong("the folder does not exist", path="folder", kind="environment")
        findings.settle()
    for name in ("JPEGImages", "Annotations"):
        if not (spec.folder / name).is_dir():
            findings.wrong(f"has no folder {name}", path="folder", kind="environment")
    listing = spec.folder / "ImageSets" / "Main" / f"{spec.split}.txt"
    if not listing.is_file():
        others = sorted(path.stem for path in listing.parent.glob("*.txt") if path.is_file())
        text = f"has no list ImageSets/Main/{spec.split}.txt{suggestion(spec.split, others)}"
        if listing.is_dir():
            text = f"ImageSets/Main/{spec.split}.txt is a folder, and a list of names is needed"
        findings.wrong(text, path="split", kind="environment")
    findings.settle()
    # Lists of one class have a second column that says whether the image holds it.
    lines = (line.split() for line in listing.read_text(encoding="utf-8", errors="replace").splitlines())
    names = [words[0] for words in lines if words]
    for name in dict.fromkeys(names) if len(set(names)) < len(names) else ():
        if names.count(name) > 1:
            findings.wrong(f"names that {listing.name} lists more than once", name, path="split")
    return names


def _annotations(names: list[str], *, folder: Path, headers: bool, findings: Findings) -> Iterable[_Annotation]:
    images = {Path(name).stem: name for name in sorted(existing_files(folder / "JPEGImages"), reverse=True)}
    for image_id, name in enumerate(names):
        file = folder / "Annotations" / f"{name}.xml"
        path = folder / "JPEGImages" / images.get(name, f"{name}.jpg")
        if name not in images:
            findings.wrong("image files that do not exist", str(path), path="folder", kind="environment")
            continue
        if not file.is_file():
            findings.wrong("annotation files that do not exist", str(file), path="folder", kind="environment")
            continue
        try:
            root = ElementTree.parse(file).getroot()
            height, width = _size(root) or image_size(path)
            objects = tuple(_object(element) for element in root.iter("object"))
        except (ElementTree.ParseError, LookupError, OSError, ValueError) as error:
            findings.wrong("files that cannot be read", f"{file.name}: {error}", path="folder")
            continue
        if headers:
            check_header(path, noted=(height, width), findings=findings, field="folder")
        yield _Annotation(image_id=image_id, path=path, height=height, width=width, objects=objects)


def _size(root: ElementTree.Element) -> tuple[int, int] | None:
    """Height and width as noted, or None where they are not: some tools leave `<size>` out, or write 0."""
    texts = [root.findtext(f"size/{side}", "").strip() for side in ("height", "width")]
    if not all(text.isdecimal() and len(text) < 10 and int(text) > 0 for text in texts):
        return None
    return int(texts[0]), int(texts[1])


def _object(element: ElementTree.Element) -> _Object:
    """Raises ValueError where the name or a corner is missing."""
    name = element.findtext("name", "").strip()
    texts = [element.findtext(f"bndbox/{corner}", "").strip() for corner in CORNERS]
    if not name:
        raise ValueError("an object without a name")
    if not all(texts):
        raise ValueError(f"the {name} has no bndbox with {', '.join(CORNERS)}")
    difficult = element.findtext("difficult", "0").strip() == "1"
    return _Object(name=name, corners=tuple(float(text) for text in texts), difficult=difficult)


def _classes(
    annotations: list[_Annotation], *, wanted: tuple[str, ...], training: bool, findings: Findings
) -> tuple[str, ...]:
    present = sorted({each.name for annotation in annotations for each in annotation.objects})
    for name in wanted:
        if name not in present:
            text = f"classes that the split lacks (it has {', '.join(present) or 'none'})"
            if training:
                findings.wrong(text, f"'{name}'{suggestion(name, present)}", path="classes")
            else:  # a small split need not hold every class that was learned
                findings.remark(text, f"'{name}'")
    return wanted or tuple(present)


def _records(
    annotations: list[_Annotation], *, classes: tuple[str, ...], difficult_is_crowd: bool, findings: Findings
) -> list[Record]:
    label = {name: place for place, name in enumerate(classes)}
    rows = [(image, each) for image in annotations for each in image.objects if each.name in label]
    corners = np.array([each.corners for _, each in rows], dtype=np.float64).reshape(-1, 4)
    first_pixel_is_last = (corners[:, 2:] == corners[:, :2]).any(axis=1, keepdims=True)
    boxes = corners - np.where(first_pixel_is_last, 0, [1, 1, 0, 0])
    boxes, usable = checked_boxes(
        boxes,
        sizes=np.array([(image.height, image.width) for image, _ in rows], dtype=np.int64).reshape(-1, 2),
        describe=lambda row: f"{rows[row][1].name} of {rows[row][0].path.name}",
        findings=findings,
        path="folder",
    )
    labels = np.array([label[each.name] for _, each in rows], dtype=np.int64)
    crowd = np.array([each.difficult and difficult_is_crowd for _, each in rows], dtype=np.bool_)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    image_ids = np.array([image.image_id for image, _ in rows], dtype=np.int64)
    records = []
    for image in annotations:
        first, last = np.searchsorted(image_ids, [image.image_id, image.image_id + 1])
        own = np.arange(first, last)[usable[first:last]]
        records.append(
            Record(
                image_id=image.image_id,
                path=image.path,
                height=image.height,
                width=image.width,
                boxes=boxes[own].astype(np.float32),
                labels=labels[own],
                crowd=crowd[own],
                area=area[own].astype(np.float32),
            )
        )
    return records
