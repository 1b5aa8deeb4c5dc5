"""What is wrong with a spec, collected and said in one go."""

from collections.abc import Iterable
from typing import Literal

import attrs

from specdet.spec.origin import NOWHERE, Origin, Place


@attrs.frozen(kw_only=True)
class Problem:
    """One thing to mend.

    Who finds one says `path`, `message`, and if it is not the value that is wrong, `at`; where that was written is
    looked up afterwards.

    Attributes:
        path: Of the value, in dots; relative to the spec class that found it, until it has gone up to the root.
        kind: Tells a mistake in the spec from something that this machine lacks (a data folder, a device).
        at: Whether the value is wrong or its key.
        origin: What wrote the value.
        place: Its line and column there.
        notes: What else one has to know, each with a place of its own.
        secret: Whether what was written must not be shown again.
    """

    path: str
    message: str
    kind: Literal["spec", "environment"] = "spec"
    at: Literal["value", "key"] = "value"
    origin: Origin = NOWHERE
    place: Place | None = None
    notes: tuple["Problem", ...] = ()
    secret: bool = False

    def __str__(self) -> str:
        first = ": ".join(part for part in (self.label, printable(self.path), printable(self.message)) if part)
        return "\n".join([first, *(f"    {note}" for note in self.notes)])

    @property
    def label(self) -> str:
        """`file:line:column`, `command line: KEY=VALUE`, or nothing."""
        place = f":{self.place.line}:{self.place.column}" if self.place and self.origin.file else ""
        return printable(self.origin.label) + place

    def under(self, prefix: str) -> "Problem":
        """The same problem seen from the table above: `prefix` goes before its path."""
        return attrs.evolve(self, path=".".join(part for part in (prefix, self.path) if part))


class SpecError(ValueError):
    """A spec that cannot be used. `problems` holds all that is wrong with it, not only the first."""

    def __init__(self, problems: Iterable[Problem]):
        self.problems = tuple(problems)
        assert self.problems, "a SpecError names at least one problem"
        super().__init__("\n".join(str(problem) for problem in self.problems))

    @classmethod
    def one(cls, message: str, *, path: str = "", kind: Literal["spec", "environment"] = "spec") -> "SpecError":
        """The error of a single problem."""
        return cls([Problem(path=path, message=message, kind=kind)])


def printable(text: str) -> str:
    """The text as a terminal may show it: whatever could move its cursor or break a line is written as an escape."""
    return text if text.isprintable() else "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)
