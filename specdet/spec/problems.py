"""What is wrong with a spec, collected and said in one go."""

from collections.abc import Iterable
from typing import Literal

import attrs


@attrs.frozen(kw_only=True)
class Problem:
    """One thing to mend.

    `kind` tells a mistake in the spec from something that this machine lacks (a data folder, a device).
    """

    path: str
    message: str
    origin: str = ""  # a file, "command line: KEY=VALUE", or nothing where the value came from Python
    kind: Literal["spec", "environment"] = "spec"

    def __str__(self) -> str:
        return ": ".join(part for part in (self.origin, self.path, self.message) if part)

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
    def one(cls, message: str, *, path: str = "", origin: str = "") -> "SpecError":
        """The error of a single problem."""
        return cls([Problem(path=path, message=message, origin=origin)])
