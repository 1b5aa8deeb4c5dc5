"""OpenedSet: a data set as far as it can be read, with all that was found."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import attrs

from app.browsing.columns import Columns
from app.browsing.sets import NamedSet
from app.security.roots import Roots
from specdet.data.findings import Finding, Findings
from specdet.data.open import open_reader
from specdet.data.reader import Reader
from specdet.spec import SpecError


@attrs.frozen(kw_only=True, eq=False)
class OpenedSet:
    """One data set.

    Attributes:
        reader: None where nothing can be read.
        columns: Of its images, where there are any.
        findings: What was found while reading.
    """

    reader: Reader | None = None
    columns: Columns | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def is_usable(self) -> bool:
        """Whether a training would take it as it is."""
        return self.reader is not None and not any(finding.weight == "problem" for finding in self.findings)


def open_set(named: NamedSet, *, root: Path | None, folders: Sequence[Path], headers: bool = False) -> OpenedSet:
    """Open a data set; raises nothing for what lies on the disk.

    Args:
        named: The set.
        root: `data.root` of its spec.
        folders: What may be read; whatever lies elsewhere is a finding.
        headers: Open every image file as well, and compare its size with the one noted.
    """
    findings = Findings(getattr(named.spec, "source", named.name), folders=folders)
    reader = None
    try:
        if root is not None and any(isinstance(value, Path) for value in vars(named.spec).values()):
            if not findings.may_open(root, path="root"):
                findings.settle()
            if not root.is_dir():
                findings.wrong(f"the folder data.root does not exist: {root}", path="root", kind="environment")
                findings.settle()
        reader = open_reader(named.spec, training=named.training, findings=findings, headers=headers)
    except SpecError as error:
        if not findings.any_wrong:  # of a plugin, or of an early end
            for problem in error.problems:
                findings.wrong(problem.message, path=problem.path, kind=problem.kind)
    except OSError as error:  # no permission, a broken disk
        name = error.filename if isinstance(error.filename, str) else "a file"
        findings.wrong("files that cannot be read", f"{name}: {error.strerror or error}", path="", kind="environment")
    if reader is None or not len(reader):
        if reader is not None and not findings.any_wrong:
            findings.wrong("has no image: is the split or the list empty?", path="")
        return OpenedSet(findings=tuple(findings.found))
    return OpenedSet(reader=reader, columns=Columns.of(reader), findings=tuple(findings.found))


def stamps(named: Iterable[NamedSet], *, roots: Roots) -> tuple[str, ...]:
    """What changes when the files that say what is in the sets do; files out of the roots are not looked at."""
    found = []
    for each in named:
        for file in (*getattr(each.spec, "annotation_files", ()), *_folders(each)):
            try:
                status = roots.inside(file).stat()
                found.append(f"{file} {status.st_mtime_ns} {status.st_size}")
            except (OSError, ValueError):
                found.append(f"{file} is not there")
    return tuple(found)


def _folders(named: NamedSet) -> Iterable[Path]:
    """Folders whose own time changes when files come and go."""
    folder = getattr(named.spec, "folder", None)
    if isinstance(folder, Path):
        yield from (folder / "Annotations", folder / "JPEGImages", folder / "images", folder / "labels")
    images = getattr(named.spec, "images", None)
    if isinstance(images, Path):
        yield images
