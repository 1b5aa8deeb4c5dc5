"""`specdet upgrade`: specs that were written for an older version of the language."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from specdet.exit_codes import OK, WRONG_SPEC, WRONG_USAGE
from specdet.spec import SpecError
from specdet.spec.version import VERSION

if TYPE_CHECKING:
    from specdet.spec.editing.upgrade import Migration


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE",
                        help="spec files; what they extend is upgraded only if it is named too")  # fmt: skip
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if something would change")
    parser.add_argument("--from", dest="unsaid", type=int, metavar="N",
                        help="the version that files without `spec = N` were written for")  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Upgrade the files, each for itself."""
    from specdet.spec.editing.upgrade import MIGRATIONS

    if arguments.unsaid is not None and not 1 <= arguments.unsaid <= VERSION:
        print(f"--from {arguments.unsaid}: this specdet knows the versions 1 to {VERSION}", file=sys.stderr)
        return WRONG_USAGE
    codes = [
        upgrade_file(path, write=not arguments.check, unsaid=arguments.unsaid, migrations=MIGRATIONS, current=VERSION)
        for path in arguments.files
    ]
    return max(codes, default=OK)


def upgrade_file(
    path: Path, *, write: bool, unsaid: int | None, migrations: "Mapping[int, Migration]", current: int
) -> int:
    """Upgrade one file and say what was done, or why it was not; gives the exit code."""
    from specdet.spec.editing.edit import SpecFile
    from specdet.spec.editing.upgrade import upgrade

    try:
        found = upgrade(SpecFile.read(path), unsaid=unsaid, migrations=migrations, current=current)
        if found.lines and write:
            found.file.save()
    except SpecError as error:
        print(error, file=sys.stderr)
        return WRONG_SPEC
    if found.version is None:
        print(f"{path}: left alone: it does not say its version (`spec = N`); give it with --from N")
        return OK
    if not found.lines:
        print(f"{path}: current (version {current})")
        return OK
    done = "upgraded" if write else "would be upgraded"
    print(f"{path}: {done} from version {found.version} to {current}")
    for line in found.lines:
        print(f"  {line}")
    return OK if write else WRONG_SPEC
