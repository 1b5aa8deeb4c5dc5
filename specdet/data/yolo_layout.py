"""Where a data set in Ultralytics' layout has its images, its labels and the names of its classes."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from specdet.data.findings import Findings
from specdet.data.spec import YAML, YoloSpec
from specdet.registry import suggestion

IMAGES = frozenset({
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".jp2", ".j2k", ".ppm", ".pgm",
    ".pbm", ".tga", ".avif",
})  # fmt: skip
NAMES = ("classes.txt", "labels/classes.txt", "obj.names", "names.txt")
LARGEST = 1 << 20  # bytes of a YAML file; more names no classes
SPLITS = ("train", "val", "test")


@attrs.frozen(kw_only=True)
class YoloLayout:
    """What there is to read.

    Attributes:
        names: Of the classes, by their numbers.
        folder: What the images' names start from.
        images: Paths in order, each with that of its labels, which need not be there.
    """

    names: tuple[str, ...]
    folder: Path
    images: tuple[tuple[Path, Path], ...]


def find_layout(spec: YoloSpec, findings: Findings) -> YoloLayout:
    """What `folder` and `split` lead to. Raises SpecError where there is nothing to read."""
    if not spec.folder.exists():
        findings.wrong("the folder does not exist", path="folder", kind="environment")
        findings.settle()
    described = described_by(spec.folder)
    if described is not None:
        findings.may_open(described, path="folder")
        findings.settle()
        table = _table(described, findings)
        names, folders = _names(table, findings), _folders_of(table, described.parent, spec.split, findings)
    else:
        names, folders = _plain_names(spec.folder, findings), _plain_folders(spec.folder, spec.split, findings)
    findings.settle()
    files = dict.fromkeys(image for folder in folders for image in _images_of(folder, findings))
    base = folders[0] if len(folders) == 1 and folders[0].is_dir() else spec.folder
    return YoloLayout(names=names, folder=base, images=tuple((each, labels_of(each)) for each in files))


def described_by(folder: Path) -> Path | None:
    """The YAML file that describes a data set: itself, data.yaml in it, or the only one in it."""
    if folder.is_file():
        return folder
    own = [path for path in sorted(folder.iterdir()) if path.suffix in YAML and path.is_file()]
    named = [path for path in own if path.stem == "data"]
    return (named or own or [None])[0] if named or len(own) == 1 else None


def splits_of(folder: Path) -> tuple[str, ...]:
    """The splits that a data set has, those of a YAML file or folders of images; ("",) where it is not divided."""
    described = described_by(folder)
    if described is not None:
        table = _table(described, Findings(described))
        return tuple(key for key in SPLITS if table.get(key))
    inner, outer = folder / "images", folder
    names = [path.name for path in sorted(inner.iterdir()) if path.is_dir()] if inner.is_dir() else []
    names = names or [path.name for path in sorted(outer.iterdir()) if (path / "images").is_dir()]
    return tuple(names) or ("",)


def labels_of(image: Path) -> Path:
    """The file with an image's labels: `labels` for the last `images` of its path, or beside it where there is none."""
    parts = image.parts
    places = [place for place, part in enumerate(parts[:-1]) if part == "images"]
    if places:
        image = Path(*parts[: places[-1]], "labels", *parts[places[-1] + 1 :])
    return image.with_suffix(".txt") if image.name else image  # "/" has none


# -- data.yaml


def _table(file: Path, findings: Findings) -> Mapping[str, Any]:
    """The file's table, each value of it a text, a list or a table: `no` is a fine name of a class."""
    import yaml  # takes 20 ms, which data of other kinds do without

    content = file.read_bytes()
    if len(content) > LARGEST:
        findings.wrong("data.yaml is too large to be one", file.name, path="folder")
        findings.settle()
    try:
        table = yaml.load(content, Loader=yaml.BaseLoader)  # makes no objects, nor numbers  # nosec B506
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        findings.wrong("data.yaml is not YAML", f"{file.name}: {' '.join(str(error).split())}", path="folder")
        findings.settle()
        raise AssertionError("settle raises") from error
    if not isinstance(table, dict):
        findings.wrong("data.yaml is not a table of names and folders", file.name, path="folder")
        findings.settle()
    return table


def _names(table: Mapping[str, Any], findings: Findings) -> tuple[str, ...]:
    """The names, which are a list, or a table by numbers from 0 on."""
    names = table.get("names")
    if isinstance(names, dict):
        numbers = [str(number) for number in range(len(names))]
        if {*names} != {*numbers}:
            told = ", ".join(map(str, names))[:200]
            findings.wrong("`names` of data.yaml must be numbered from 0 on, without a gap", told, path="folder")
            return ()
        names = [names[number] for number in numbers]
    if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
        findings.wrong("data.yaml needs `names`: those of the classes, in the order of their numbers", path="folder")
        return ()
    count = table.get("nc", str(len(names)))
    if count != str(len(names)):
        # Written out, lists of lists of aliases may be larger than any memory.
        told = count[:40] if isinstance(count, str) else "no number"
        findings.wrong("`nc` of data.yaml is not the number of its names", f"{told}, not {len(names)}", path="folder")
    return tuple(names)


def _folders_of(table: Mapping[str, Any], here: Path, split: str, findings: Findings) -> list[Path]:
    """The folders, and lists of files, of one split."""
    known = [key for key in SPLITS if table.get(key)]
    entries = table.get(split) if split else None
    entries = [entries] if isinstance(entries, str) and entries else entries
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, str) for entry in entries):
        text = f"'{split}'{suggestion(split, known)}" if split else f"it has {', '.join(known) or 'none'}"
        findings.wrong("data.yaml has no such split", text, path="split")
        return []
    root = table.get("path")
    # A data set that was moved still says where it was; and some tools write "../train" for what lies beside the file.
    roots = [here / root, here, here.parent / root] if isinstance(root, str) and root else [here]
    found = []
    for entry in entries:
        near = entry.removeprefix("../")
        places = [base / each for base in roots for each in dict.fromkeys((entry, near))]
        place = next((each for each in places if os.path.isdir(each) or os.path.isfile(each)), None)
        if place is None:
            findings.wrong("folders of images that do not exist", str(places[0]), path="folder", kind="environment")
        elif findings.may_open(place, path="folder"):
            found.append(place)
    return found


# -- plain folders


def _plain_names(folder: Path, findings: Findings) -> tuple[str, ...]:
    file = next((path for name in NAMES if (path := folder / name).is_file()), None)
    if file is None:
        findings.wrong("has no names of classes: neither a data.yaml nor a classes.txt", path="folder")
        return ()
    if not findings.may_open(file, path="folder"):
        return ()
    lines = file.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    return tuple(line.strip() for line in lines if line.strip())


def _plain_folders(folder: Path, split: str, findings: Findings) -> list[Path]:
    places = [folder / "images" / split, folder / split / "images"]
    found = next((place for place in places if place.is_dir()), None)
    if found is None:
        known = splits_of(folder)
        text = f"has no folder {places[0].relative_to(folder)}{suggestion(split, [each for each in known if each])}"
        findings.wrong(text, path="split" if split else "folder", kind="environment")
        return []
    return [found] if findings.may_open(found, path="folder") else []


# -- images


def _images_of(place: Path, findings: Findings) -> Iterator[Path]:
    """The image files of a folder and the folders in it, sorted; or those that a text file names."""
    if place.is_dir():
        yield from _walked(place, {os.path.realpath(place)}, findings)
        return
    for line in place.read_text(encoding="utf-8", errors="replace").splitlines():
        if name := line.strip():
            yield place.parent / name.removeprefix("./")


def _walked(folder: Path, seen: set[str], findings: Findings) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            own = sorted((entry for entry in entries if not entry.name.startswith(".")), key=lambda entry: entry.name)
        folders = {entry.name for entry in own if entry.is_dir()}
    except OSError as error:
        where = f"{error.filename or folder}: {error.strerror}"
        findings.wrong("folders that cannot be read", where, path="folder", kind="environment")
        return
    for entry in own:
        if entry.name in folders:
            real = os.path.realpath(entry.path)
            if real not in seen and findings.may_open(Path(entry.path), path="folder"):
                seen.add(real)
                yield from _walked(Path(entry.path), seen, findings)
        elif os.path.splitext(entry.name)[1].lower() in IMAGES:
            yield Path(entry.path)
