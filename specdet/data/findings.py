"""Findings: everything that is wrong with one data set, gathered and said once."""

import logging
from typing import Literal

import attrs

from specdet.spec import Problem, SpecError

SHOWN = 5  # examples of each kind of problem; the rest is counted
LOGGER = logging.getLogger("specdet.data")


@attrs.frozen
class _Heading:
    path: str
    kind: Literal["spec", "environment"]
    what: str


class Findings:
    """Problems, which stop the data set from being used, and remarks, which do not.

    Args:
        source: The file or folder that they are about, as the user knows it.
    """

    def __init__(self, source: object):
        self._source = source
        self._problems: dict[_Heading, list[str]] = {}
        self._remarks: dict[str, list[str]] = {}

    def wrong(self, what: str, item: str = "", *, path: str, kind: Literal["spec", "environment"] = "spec") -> None:
        """Write down one case of `what`; `path` is the field of the data set's spec that leads to it."""
        self._problems.setdefault(_Heading(path, kind, what), []).append(item)

    def remark(self, what: str, item: str) -> None:
        """Write down one case of something that was put right or left out."""
        self._remarks.setdefault(what, []).append(item)

    @property
    def any_wrong(self) -> bool:
        """Whether there is a problem so far."""
        return bool(self._problems)

    def settle(self) -> None:
        """Log the remarks; raise SpecError with all problems, one for each kind, if there are any."""
        for what, items in self._remarks.items():
            LOGGER.warning("%s: %s", self._source, _listed(what, items))
        if self._problems:
            raise SpecError(
                Problem(path=head.path, kind=head.kind, message=f"{self._source}: {_listed(head.what, items)}")
                for head, items in self._problems.items()
            )


def _listed(what: str, items: list[str]) -> str:
    """`what (7): a; b; c; d; e; and 2 more`, or `what` alone where there is nothing to list."""
    if items == [""]:
        return what
    more = f"; and {len(items) - SHOWN} more" if len(items) > SHOWN else ""
    return f"{what} ({len(items)}): {'; '.join(items[:SHOWN])}{more}"
