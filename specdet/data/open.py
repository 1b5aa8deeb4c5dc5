"""open_reader: a data set, opened with all that is found told, and with bounds to what may be opened."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from specdet.data.findings import Findings
from specdet.data.reader import Reader
from specdet.data.spec import FilesSpec
from specdet.spec import Spec

NO_MASKS = "data of this type has no masks, and the detector needs some: Coco has"


def open_reader(
    spec: Spec, *, training: bool, findings: Findings, headers: bool = False, masks: bool = False
) -> Reader:
    """The reader of a data set, as far as it can be read.

    Paths that the spec itself names are asked for first, and our own readers ask for every file that an annotation
    names before they open it. Readers of installed plugins do what they do, and stop at their first problem.

    Args:
        training: Leave out what the data set's spec says.
        findings: Takes what is found, and knows what may be opened.
        headers: Open every image file and compare its size with the one noted.
        masks: Read the objects' masks, too; only sets whose spec says `gives_masks` have some.

    Raises:
        SpecError: Where nothing can be read. What of it `findings` has not is told by the error alone.
        OSError: From the disk.
    """
    named = [path for name, value in vars(spec).items() for path in _paths(value, name)]
    if not all([findings.may_open(path, path=name) for name, path in named]):
        findings.settle()
    wanted: dict[str, Any] = {"training": training, "headers": headers}
    if masks and not getattr(spec, "gives_masks", False):
        findings.wrong(NO_MASKS, path="")
        findings.settle()
    elif masks:
        wanted["masks"] = True
    if isinstance(spec, FilesSpec):
        wanted["findings"] = findings
    return spec.build(**wanted)


def _paths(value: Any, name: str) -> Iterable[tuple[str, Path]]:
    """The paths in the value of a field."""
    if isinstance(value, Path):
        yield name, value
    elif isinstance(value, tuple):
        for item in value:
            yield from _paths(item, name)
