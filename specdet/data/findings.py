"""Findings: everything that is wrong with one data set, gathered and said once."""

import logging
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import attrs

from specdet.spec import Problem, SpecError

SHOWN = 5  # examples of each kind of problem; the rest is counted
LOGGER = logging.getLogger("specdet.data")
Weight = Literal["problem", "remark", "note"]


@attrs.frozen(kw_only=True)
class Finding:
    """All cases of one thing that was found.

    Attributes:
        weight: A problem stops the data set from being used, a remark was put right, a note is as the spec says.
        what: In words, for many cases.
        items: Each case; "" where there is nothing more to say.
        path: The field of the data set's spec that leads there; of problems.
        kind: As of `Problem`.
    """

    weight: Weight
    what: str
    items: Sequence[str]
    path: str = ""
    kind: Literal["spec", "environment"] = "spec"


class Findings:
    """Problems, which stop the data set from being used, remarks on what was put right, and notes.

    Args:
        source: The file or folder that they are about, as the user knows it.
        folders: The only ones from which files may be opened, links followed; all may be unless given.

    Attributes:
        opened: How many image files have been opened, their headers alone.
    """

    def __init__(self, source: object, *, folders: Iterable[Path] | None = None):
        self._source = source
        self.opened = 0
        self._folders = None if folders is None else [os.path.realpath(folder) for folder in folders]
        self._found: dict[Finding, list[str]] = {}  # by the finding without its items

    def wrong(self, what: str, item: str = "", *, path: str, kind: Literal["spec", "environment"] = "spec") -> None:
        """Write down one case of `what`; `path` is the field of the data set's spec that leads to it."""
        self._add(Finding(weight="problem", what=what, items=(), path=path, kind=kind), item)

    def remark(self, what: str, item: str) -> None:
        """Write down one case of something that was put right or left out."""
        self._add(Finding(weight="remark", what=what, items=()), item)

    def note(self, what: str, item: str) -> None:
        """Write down one case of something that is as the spec wants it, but may surprise."""
        self._add(Finding(weight="note", what=what, items=()), item)

    def may_open(self, file: Path, *, path: str) -> bool:
        """Whether a file, or a folder, may be opened; where not, that is a problem of the field `path`."""
        if self._folders is None:
            return True
        try:
            real = Path(os.path.realpath(file))
        except ValueError:  # a NUL in it
            real = None
        if real is not None and any(real.is_relative_to(folder) for folder in self._folders):
            return True
        self.wrong("files outside of the folders that may be read", str(file), path=path, kind="environment")
        return False

    @property
    def is_bounded(self) -> bool:
        """Whether some files may not be opened."""
        return self._folders is not None

    @property
    def found(self) -> list[Finding]:
        """Everything so far."""
        return [attrs.evolve(finding, items=tuple(items)) for finding, items in self._found.items()]

    @property
    def any_wrong(self) -> bool:
        """Whether there is a problem so far."""
        return any(finding.weight == "problem" for finding in self._found)

    def settle(self) -> None:
        """Log the remarks; raise SpecError with all problems, one for each kind, if there are any."""
        found = self.found
        for finding in found:
            if finding.weight == "remark":
                LOGGER.warning("%s: %s", self._source, _listed(finding))
        problems = [
            Problem(path=finding.path, kind=finding.kind, message=f"{self._source}: {_listed(finding)}")
            for finding in found
            if finding.weight == "problem"
        ]
        if problems:
            raise SpecError(problems)

    def _add(self, finding: Finding, item: str) -> None:
        item = item.encode("utf-8", "backslashreplace").decode()  # file names need not be text, which cannot be printed
        self._found.setdefault(finding, []).append(item)


def _listed(finding: Finding) -> str:
    """`what (7): a; b; c; d; e; and 2 more`, or `what` alone where there is nothing to list."""
    items = finding.items
    if items == ("",):
        return finding.what
    more = f"; and {len(items) - SHOWN} more" if len(items) > SHOWN else ""
    return f"{finding.what} ({len(items)}): {'; '.join(items[:SHOWN])}{more}"
