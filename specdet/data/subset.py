"""Which images of a data set are used."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from specdet.data.file_reader import to_train_on
from specdet.data.findings import Findings
from specdet.data.record import Record
from specdet.data.spec import FilesSpec

ROUNDING = 1e-9  # 0.29 * 100 is a little less than 29


def used(
    records: Sequence[Record], *, spec: FilesSpec, classes: Sequence[str], training: bool, findings: Findings
) -> list[Record]:
    """The images that `image_list` names, less those that no training uses, and of these `first` or `fraction`."""
    kept = _chosen(records, spec=spec, training=training, findings=findings)
    if not findings.any_wrong:  # else that is the reason
        _tell_without_boxes(kept, classes=classes, training=training, findings=findings)
    return kept


def _chosen(records: Sequence[Record], *, spec: FilesSpec, training: bool, findings: Findings) -> list[Record]:
    kept = [*records]
    if spec.image_list is not None:
        kept = _listed(kept, spec.image_list, findings)
    if training:
        kept = to_train_on(kept, filter_empty=spec.filter_empty, min_size=spec.min_size, findings=findings)
    if spec.first is not None:
        if spec.first > len(kept) and not findings.any_wrong:
            findings.remark("fewer images than `first` asks for", f"{len(kept)} of {spec.first}")
        return kept[: spec.first]
    if spec.fraction is not None:
        ends = [int(place * spec.fraction + ROUNDING) for place in range(len(kept) + 1)]
        spread = [each for each, (before, after) in zip(kept, pairwise(ends), strict=True) if after > before]
        if kept and not spread:
            findings.wrong("`fraction` of the images is none", f"{spec.fraction:g} of {len(kept)}", path="fraction")
        return spread
    return kept


def _tell_without_boxes(records: list[Record], *, classes: Sequence[str], training: bool, findings: Findings) -> None:
    """A class that no image has is never learned, and its AP is none: better known before than after."""
    if not records:
        return
    labels, crowd = (np.concatenate([getattr(each, name) for each in records]) for name in ("labels", "crowd"))
    counts = np.bincount(labels[~crowd], minlength=len(classes))
    if not counts.any():
        without = "nothing can be learned from them but background" if training else "no AP can be measured on them"
        findings.remark(f"images of which none has a box: {without}", f"all {len(records)}")
    elif training:
        for name, count in zip(classes, counts.tolist(), strict=True):
            if not count:
                findings.remark("classes of which this data has no box to learn from", f"'{name}'")


def _listed(records: list[Record], file: Path, findings: Findings) -> list[Record]:
    """The records that the lines of a file name, in the order of the data."""
    if not file.is_file():
        findings.wrong("the list of images does not exist", str(file), path="image_list", kind="environment")
        return records
    places: dict[str, list[int]] = {}
    for place, record in enumerate(records):
        for name in {*_names(record)}:
            places.setdefault(name, []).append(place)
    chosen: set[int] = set()
    for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        name = line.strip().removeprefix("./")
        if not name:
            continue
        found = places.get(name, [])
        if len(found) > 1:
            told = ", ".join(str(records[place].path) for place in found[:2])
            findings.wrong("lines that name several images", f"{file}:{number}: {name} ({told})", path="image_list")
        elif not found:
            findings.wrong("lines that name no image", f"{file}:{number}: {name}", path="image_list")
        chosen.update(found)
    return [records[place] for place in sorted(chosen)]


def _names(record: Record) -> Iterator[str]:
    """What an image may be called: its id, its file's name with or without its ending, and its whole path."""
    yield str(record.image_id)
    assert record.path is not None
    yield from (record.path.name, record.path.stem, str(record.path))
