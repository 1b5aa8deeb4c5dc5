"""Composed: a whole spec as one table that knows where everything in it was written, and what was lost on the way."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import attrs

from specdet.spec.merge import lookup
from specdet.spec.origin import NOWHERE, Origin, Place
from specdet.spec.paths import SpecPath, dotted, undotted
from specdet.spec.problems import Problem


@attrs.frozen(kw_only=True)
class Lost:
    """Something that a base gave and a later layer took away, so that a missing key can say where it went."""

    path: SpecPath
    value: Any
    origins: Mapping[SpecPath, Origin]
    because: Problem  # says what took it away, at its own place


@attrs.define(kw_only=True)
class Composed:
    """A whole spec as one table.

    Attributes:
        tree: The merged table; command-line values are `Argument`s.
        origins: Where each table and value was written; a default has no entry.
        source: The text of the file that was asked for, as its author wrote it.
        files: Every file that was read, the one that was asked for last.
        texts: What each of them says.
        lost: What was dropped and removed, in order.
        problems: What is wrong with the files and arguments themselves.
        complete: Whether all that the spec extends could be read; if not, what is missing in it is not its fault.
        foreign: Whether a file is of another version of the language, so that nothing more can be said of the whole.
    """

    tree: dict[str, Any]
    origins: dict[SpecPath, Origin]
    source: str
    files: list[Path]
    texts: dict[Path, str]
    lost: list[Lost]
    problems: list[Problem]
    complete: bool
    foreign: bool

    def origin(self, path: SpecPath) -> Origin:
        """What wrote the value at `path`, else the nearest table around it, else nothing."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.origins:
                return self.origins[path[:length]]
        return NOWHERE

    def located(self, problems: Iterable[Problem]) -> list[Problem]:
        """The problems with the places that they are about, in the order of the files and lines."""
        found = _without_secrets([self._pointer.point(problem) for problem in problems])
        return sorted(found, key=self._order)

    def written_at(self, path: SpecPath) -> str:
        """`file:line:column` or `command line: ...` of the value at `path`; nothing for a default."""
        known = next((path[:size] for size in range(len(path), 0, -1) if path[:size] in self.origins), ())
        if known != path and (not isinstance(lookup(self.tree, known), list) or lookup(self.tree, path) is None):
            return ""  # what stands in an array has no origin of its own
        return self._pointer.point(Problem(path=dotted(path), message="")).label

    @cached_property
    def _pointer(self) -> "_Pointer":
        return _Pointer(self)

    def _order(self, problem: Problem) -> tuple[int, int, int]:
        file, place = problem.origin.file, problem.place
        index = self.files.index(file) if file in self.files else len(self.files)
        return (index, place.line, place.column) if place else (index, 0, 0)


class _Pointer:
    """Finds places; a text is searched for positions once, and only when something in it is pointed at."""

    def __init__(self, composed: Composed):
        self.composed = composed
        self._positions: dict[Path, Any] = {}

    def point(self, problem: Problem) -> Problem:
        """The problem with its origin, its place, and where a missing key was lost."""
        if problem.place is not None:
            return problem
        path = _parsed(problem.path)
        origin = problem.origin or self.composed.origin(path)
        notes = problem.notes
        if problem.at == "key" and not problem.origin and lookup(self.composed.tree, path) is None:
            notes = (*notes, *self.loss(path))
        if not origin and problem.kind == "spec" and self.composed.files:
            origin = Origin(file=self.composed.files[-1])
        place = self.place(path, origin, problem.at)
        return attrs.evolve(problem, origin=origin, place=place, notes=self.notes(notes))

    def notes(self, notes: tuple[Problem, ...]) -> tuple[Problem, ...]:
        """Notes with their places; one about a default, which stands nowhere, tells nothing new."""
        return tuple(self.point(note) for note in notes if note.origin or self.composed.origin(_parsed(note.path)))

    def place(self, path: SpecPath, origin: Origin, at: Any) -> Place | None:
        """Where in a file or in an argument `path` stands."""
        if origin.argument:
            equals = origin.argument.find("=") + 1
            key = at == "key" or not equals
            end = (equals or len(origin.argument) + 1) if key else len(origin.argument) + 1
            return Place(line=1, column=1 if key else equals + 1, end=end, text=origin.argument)
        text = self.composed.texts.get(origin.file) if origin.file else None
        if text is None or not path:
            return None
        from specdet.spec.positions import Positions

        assert origin.file is not None
        positions = self._positions.setdefault(origin.file, None) or Positions(text)
        self._positions[origin.file] = positions
        span = positions.find(path, at=at)
        return span and Place(line=span.line, column=span.column, end=span.end, text=positions.line(span.line))

    def loss(self, path: SpecPath) -> tuple[Problem, ...]:
        """Where a key that is missing now was given, and what took it away."""
        for lost in reversed(self.composed.lost):
            rest = path[len(lost.path) :]
            inside = {"": lost.value} if not rest else lost.value
            if path[: len(lost.path)] == lost.path and lookup(inside, rest or ("",)) is not None:
                origin = next(
                    (lost.origins[path[:size]] for size in range(len(path), 0, -1) if path[:size] in lost.origins),
                    NOWHERE,
                )
                if not origin:  # one of the defaults, which stand nowhere
                    return (lost.because,)
                return Problem(path=dotted(path), message="was given here", at="key", origin=origin), lost.because
        return ()


def _without_secrets(problems: list[Problem]) -> list[Problem]:
    """The problems without the text of what should have been a secret, where they show the same line or argument."""
    arguments = {problem.origin.argument for problem in problems if problem.secret}
    lines = {(problem.origin.file, problem.place.line) for problem in problems if problem.secret and problem.place}

    def safe(problem: Problem) -> Problem:
        notes = tuple(map(safe, problem.notes))
        origin, place = problem.origin, problem.place
        if not (origin.argument and origin.argument in arguments) and (origin.file, place and place.line) not in lines:
            return attrs.evolve(problem, notes=notes)
        origin = attrs.evolve(origin, argument=origin.argument.partition("=")[0])
        return attrs.evolve(problem, notes=notes, origin=origin, place=place and attrs.evolve(place, text=""))

    return list(map(safe, problems))


def _parsed(path: str) -> SpecPath:
    try:
        return undotted(path) if path else ()
    except ValueError:  # a rule that joined odd keys by itself
        return tuple(path.split("."))
