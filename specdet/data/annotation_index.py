"""AnnotationIndex: what was read of a large COCO file, kept, so that it is mapped rather than read the next time.

It is used only where reading would give the same: the spec, what is wanted of it, the code that reads and the files are
as they were, and every image that the file names still exists. A file is as it was where its status is: size, times,
inode; no program can set the time at which its status last changed. No index is written of files that changed a moment
ago, since a second change within a tick of the clock would not show. Where the status has changed, as after a copy, the
SHA-256 of the content decides. All else leads to reading the file, and no fault of an index is ever an error.
"""

import hashlib
import logging
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Self

import attrs
import numpy as np

from specdet.data.column_file import Columns, NotColumns, is_own, map_columns, read_header, write_columns
from specdet.data.findings import Finding, Findings
from specdet.data.record import COLUMNS, RecordTable
from specdet.data.spec import FilesSpec

SWITCH = "SPECDET_ANNOTATION_INDEX"  # "0" turns it off
SUFFIX = ".columns"
LARGE = 8 << 20  # bytes of annotations; what is smaller is read in no time
COARSEST_CLOCK = 2_000_000_000  # ns
UNUSED = 60 * 86400  # s after which an index is removed
MOST = 64 << 30  # bytes of all indexes; those used last stay
ABANDONED = 86400  # s after which a file half written is
LOGGER = logging.getLogger("specdet.data")


def index_folder() -> Path:
    """Where indexes are kept: `$XDG_CACHE_HOME/specdet/annotations`, else below `~/.cache`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "specdet" / "annotations"


@attrs.frozen(kw_only=True, eq=False)
class Indexed:
    """What an index gives: the records that are used, the classes, and what was found while reading."""

    table: RecordTable
    classes: tuple[str, ...]
    findings: tuple[Finding, ...]

    def tell(self, findings: Findings) -> None:
        """Add what was found to `findings`."""
        for finding in self.findings:
            say = findings.remark if finding.weight == "remark" else findings.note
            for item in finding.items:
                say(finding.what, item)


@attrs.frozen(kw_only=True)
class AnnotationIndex:
    """The index of one way to read one data set.

    Attributes:
        path: Its file, named after all that the way consists of.
        folder: Of the images.
        files: The annotations and the lists of images.
        before: Status of each of `files` before it was read.
        began: ns since 1970, when that was asked for.
    """

    path: Path
    folder: Path
    files: tuple[Path, ...]
    before: tuple[tuple[int, ...], ...]
    began: int

    @classmethod
    def of(cls, spec: FilesSpec, *, images: Path, files: Iterable[Path], training: bool, masks: bool) -> Self | None:
        """The index of this way to read; None where there is to be none, because the files are small or missing."""
        files = tuple(files)
        if os.environ.get(SWITCH) == "0":
            return None
        try:
            began, before = time.time_ns(), tuple(_status(file) for file in files)
        except (OSError, ValueError):  # the reader says what is wrong with it
            return None
        if sum(status[0] for status in before) < LARGE:
            return None
        places = [os.path.abspath(path) for path in (images, *files)]
        key = repr((spec, places, training, masks, _code()))
        name = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        return cls(path=index_folder() / f"{name}{SUFFIX}", folder=images, files=files, before=before, began=began)

    def load(self) -> Indexed | None:
        """What was kept; None where nothing was, or it is not what reading would give today."""
        try:
            if not is_own(os.lstat(self.path.parent)):
                raise NotColumns("others may write into its folder")
            kept = map_columns(self.path)
            if not self._is_current(kept):
                return None
            os.utime(self.path)  # what is used stays
        except FileNotFoundError:
            return None
        except (NotColumns, OSError) as error:
            LOGGER.debug("%s: not used as an index: %s", self.path, error)
            return None
        said = kept.header
        return Indexed(
            table=RecordTable.of_arrays(kept.arrays, folder=self.folder),
            classes=tuple(said["classes"]),
            findings=tuple(Finding(weight=w, what=what, items=items) for w, what, items in said["findings"]),
        )

    def write(self, table: RecordTable, *, classes: tuple[str, ...], findings: Findings, names: list[str]) -> None:
        """Keep what was read without a problem, where that can be done and the files are those that were read.

        Args:
            names: Of all images that the annotations name, from the folder on, whether used or not.
        """
        try:
            digests = [_digest(file) for file in self.files]
            if tuple(_status(file) for file in self.files) != self.before:
                return
            if any(self.began - max(status[1:3]) < COARSEST_CLOCK for status in self.before):
                LOGGER.debug("%s: no index is written of files that have just changed", self.path)
                return
            header = {
                "files": [os.path.abspath(file) for file in self.files],
                "status": [list(status) for status in self.before],
                "digests": digests,
                "classes": list(classes),
                "findings": [[each.weight, each.what, list(each.items)] for each in findings.found],
            }
            encoded = np.array([os.fsencode(name) for name in names], dtype=np.bytes_)
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not is_own(os.lstat(self.path.parent)):
                return
            write_columns(self.path, header, {**table.arrays(), "all_names": encoded})
            remove_old(self.path.parent, keep=self.path)
        except OSError as error:
            LOGGER.debug("%s: cannot be written: %s", self.path, error)

    def _is_current(self, kept: Columns) -> bool:
        said = kept.header
        if {*kept.arrays} != {*COLUMNS, "all_names"}:
            return False
        for file, now, then, digest in zip(self.files, self.before, said["status"], said["digests"], strict=True):
            if list(now) != then and _digest(file) != digest:
                LOGGER.debug("%s: read anew, since %s has changed", self.path, file)
                return False
        return _exist(self.folder, kept.arrays["all_names"])


def remove_old(folder: Path, *, keep: Path) -> None:
    """Remove indexes not used for long, whose annotations are gone, or that are too many. Raises OSError."""
    now, total = time.time(), 0
    with os.scandir(folder) as entries:
        found = [(entry.stat(follow_symlinks=False), Path(entry.path)) for entry in entries]
    for status, path in sorted(found, key=lambda each: each[0].st_mtime, reverse=True):
        age = now - status.st_mtime
        if path.suffix == ".tmp":
            old = age > ABANDONED
        elif path.suffix == SUFFIX and path != keep:
            old = age > UNUSED or total + status.st_size > MOST or _is_orphan(path)
        else:
            old = False
        if old:
            with suppress(FileNotFoundError):  # another process was faster
                path.unlink()
        else:
            total += status.st_size


def _is_orphan(path: Path) -> bool:
    """Whether it is of annotations that do not exist, or cannot be used."""
    try:
        return not all(os.path.exists(file) for file in read_header(path)["files"])
    except NotColumns:
        return True
    except FileNotFoundError:
        return False


def _status(file: Path) -> tuple[int, ...]:
    """Size, times of the last changes of content and status (ns), inode and device; links are followed."""
    with file.open("rb") as opened:  # opening asks a file system on a network anew
        found = os.fstat(opened.fileno())
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


@cache
def _code() -> str:
    """Of the code that reads: what another version of it kept is not used."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for file in sorted(path for room in ("data", "masks") for path in (package / room).glob("*.py")):
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()


def _exist(folder: Path, names: np.ndarray) -> bool:
    """Whether all images are found as the reader finds them: each folder is listed once. Raises OSError."""
    in_folder: dict[bytes, list[bytes]] = {}
    if b"/" not in names.tobytes():
        in_folder[b""] = names.tolist()
    else:
        for name in names.tolist():
            head, _, tail = name.rpartition(b"/")
            in_folder.setdefault(head, []).append(tail)
    for head, tails in in_folder.items():
        if not _present(os.path.join(os.fsencode(folder), head), files_only=bool(head)).issuperset(tails):
            return False
    return True


def _present(folder: bytes, *, files_only: bool) -> set[bytes]:
    if not files_only:
        return {*os.listdir(folder)}
    with os.scandir(folder) as entries:
        return {entry.name for entry in entries if entry.is_file()}
