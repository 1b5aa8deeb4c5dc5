"""`python -m app.browsing.read_set`: reads a data set and writes down its columns, for a process that must not wait.

COCO's annotations take 5 GB and half a minute to read, and their columns 30 MB.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import attrs
import numpy as np

from app.browsing.columns import Columns
from app.browsing.opened import OpenedSet, open_set
from app.browsing.sets import sets_of
from specdet.data.file_reader import FileReader
from specdet.data.findings import Finding
from specdet.data.record import RecordTable
from specdet.experiment import load

TABLE, COLUMNS = "set.json", "columns.npz"


def main(argv: Sequence[str] | None = None) -> int:
    """Read the set `name` of a resolved spec into a folder that is there."""
    parser = argparse.ArgumentParser(prog="read_set")
    parser.add_argument("spec", type=Path)
    parser.add_argument("name")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--headers", action="store_true")
    parser.add_argument("--within", action="append", type=Path, default=[])
    arguments = parser.parse_args(argv)
    data = load(arguments.spec).data
    named = sets_of(data)[arguments.name]
    write_set(
        open_set(named, root=data.root, folders=arguments.within, headers=arguments.headers), folder=arguments.folder
    )
    return 0


def write_set(opened: OpenedSet, *, folder: Path) -> None:
    """Write down a set whose images are files, or one that cannot be read."""
    reader = opened.reader
    table = {"findings": [attrs.asdict(finding) for finding in opened.findings], "classes": None}
    if reader is not None:
        assert isinstance(reader, FileReader), "only sets of files have columns of their own"
        table |= {"classes": reader.classes, "folder": str(reader.table.folder)}
        np.savez(folder / COLUMNS, allow_pickle=False, **reader.table.arrays())
    (folder / TABLE).write_text(json.dumps(table), encoding="utf-8")


def read_back(folder: Path) -> OpenedSet:
    """What `write_set` has written."""
    table = json.loads((folder / TABLE).read_text(encoding="utf-8"))
    findings = tuple(Finding(**{**each, "items": tuple(each["items"])}) for each in table["findings"])
    if table["classes"] is None:
        return OpenedSet(findings=findings)
    images = Path(table["folder"])
    with np.load(folder / COLUMNS, allow_pickle=False) as arrays:
        records = RecordTable.of_arrays(arrays, folder=images)
    reader = FileReader(records, classes=tuple(table["classes"]), folder=images)
    return OpenedSet(reader=reader, columns=Columns.of(reader), findings=findings)


if __name__ == "__main__":
    sys.exit(main())
