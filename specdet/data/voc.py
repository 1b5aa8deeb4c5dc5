"""Reading PASCAL VOC's layout: a list of names in ImageSets/Main, an XML file and an image for each (devkit, 2012)."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError  # what is read, defusedxml parses  # nosec B405

import attrs
import numpy as np
from defusedxml.ElementTree import parse  # no entities, which may grow without end or read other files

from specdet.data.box_check import checked_boxes
from specdet.data.class_choice import chosen_classes
from specdet.data.file_reader import FileReader, size_as_noted
from specdet.data.findings import Findings
from specdet.data.images import existing_files
from specdet.data.record import Record
from specdet.data.spec import VocSpec
from specdet.data.subset import used
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


def read_voc(spec: VocSpec, *, training: bool, headers: bool = False, findings: Findings | None = None) -> FileReader:
    """The images of one split.

    VOC counts pixels from 1 and includes the last one: its box (xmin, ymin, xmax, ymax) is (xmin - 1, ymin - 1, xmax,
    ymax) here. Files that count from 0 lose less than a pixel by that, at the border. A box whose last pixel is its
    first in a direction was a click rather than a drag; it is left out, with a remark.

    Args:
        training: Leave out what `filter_empty` and `min_size` say.
        headers: Open every image file, whatever its XML file is like, and compare its size with the one noted.
        findings: Takes what is found; whatever can be used of the files is then given in spite of problems.

    Raises:
        SpecError: With everything that is wrong with the files, its paths relative to `spec`.
    """
    settled, findings = findings is None, findings or Findings(spec.source)
    names = _split(spec, findings)
    annotations = [*_annotations(names, folder=spec.folder, headers=headers, findings=findings)]
    present = sorted({each.name for annotation in annotations for each in annotation.objects})
    classes, label = chosen_classes(present, spec=spec, place="split", whole=training, findings=findings)
    records = _records(annotations, label=label, difficult_is_crowd=spec.difficult == "crowd", findings=findings)
    records = used(records, spec=spec, classes=classes, training=training, findings=findings)
    if settled:
        findings.settle()
    return FileReader(records, classes=classes, folder=spec.folder / "JPEGImages")


def _split(spec: VocSpec, findings: Findings) -> list[str]:
    """The names of the split; raises where the folders or the list are missing."""
    if not spec.folder.is_dir():
        findings.wrong("the folder does not exist", path="folder", kind="environment")
        findings.settle()
    for name in ("JPEGImages", "Annotations"):
        if findings.may_open(spec.folder / name, path="folder") and not (spec.folder / name).is_dir():
            findings.wrong(f"has no folder {name}", path="folder", kind="environment")
    listing = spec.folder / "ImageSets" / "Main" / f"{spec.split}.txt"
    if findings.may_open(listing, path="folder") and not listing.is_file():
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
        if not all([findings.may_open(each, path="folder") for each in (file, path)]):
            continue
        if name not in images:
            findings.wrong("image files that do not exist", str(path), path="folder", kind="environment")
            continue
        noted, objects = None, None
        if not file.is_file():
            findings.wrong("annotation files that do not exist", str(file), path="folder", kind="environment")
        else:
            try:
                root = parse(file).getroot()
                assert root is not None, "what could be parsed has a root"
                noted = _size(root)
                objects = tuple(_object(element) for element in root.iter("object"))
            except (ParseError, LookupError, OSError, ValueError) as error:
                findings.wrong("files that cannot be read", f"{file.name}: {error}", path="folder")
        if objects is None and not headers:
            continue
        size = size_as_noted(path, noted=noted, headers=headers, findings=findings, field="folder")
        if objects is not None and size is not None:
            yield _Annotation(image_id=image_id, path=path, height=size[0], width=size[1], objects=objects)


def _size(root: Element) -> tuple[int, int] | None:
    """Height and width as noted, or None where they are not: some tools leave `<size>` out, or write 0."""
    texts = [root.findtext(f"size/{side}", "").strip() for side in ("height", "width")]
    if not all(text.isdecimal() and len(text) < 10 and int(text) > 0 for text in texts):
        return None
    return int(texts[0]), int(texts[1])


def _object(element: Element) -> _Object:
    """Raises ValueError where the name or a corner is missing."""
    name = element.findtext("name", "").strip()
    texts = [element.findtext(f"bndbox/{corner}", "").strip() for corner in CORNERS]
    if not name:
        raise ValueError("an object without a name")
    if not all(texts):
        raise ValueError(f"the {name} has no bndbox with {', '.join(CORNERS)}")
    difficult = element.findtext("difficult", "0").strip() == "1"
    return _Object(name=name, corners=tuple(float(text) for text in texts), difficult=difficult)


def _records(
    annotations: list[_Annotation], *, label: Mapping[str, int], difficult_is_crowd: bool, findings: Findings
) -> list[Record]:
    rows = [(image, each) for image in annotations for each in image.objects if label[each.name] >= 0]
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
