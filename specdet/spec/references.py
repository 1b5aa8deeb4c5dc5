"""References: `{ ref = "data.train.classes" }` says that what stands there stands here too."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

import attrs

from specdet.registry import suggestion
from specdet.spec.base import Spec
from specdet.spec.paths import SpecPath, dotted
from specdet.spec.rules import INVALID


class Filler(Protocol):
    """Who fills references in: it knows how a value becomes a field, and writes problems down."""

    def along(self, path: SpecPath) -> AbstractContextManager[None]: ...

    def field(self, value: Any, attribute: attrs.Attribute) -> Any: ...

    def wrong(self, message: str) -> Any: ...


ABSENT: Any = object()


@attrs.frozen(kw_only=True, eq=False)
class Reference:
    """A field that takes its value from another place of the same spec."""

    holder: Spec
    attribute: attrs.Attribute
    path: SpecPath
    target: SpecPath


class References:
    """The references of one spec, filled in once all else of it is made: after every layer and every default."""

    def __init__(self) -> None:
        self.waiting: list[Reference] = []

    def add(self, holder: Spec, attribute: attrs.Attribute, *, path: SpecPath, target: SpecPath) -> None:
        """Note a reference."""
        self.waiting.append(Reference(holder=holder, attribute=attribute, path=path, target=target))

    def fill(self, root: Any, filler: Filler, *, partial: bool) -> None:
        """Fill each field with what its reference leads to, and write down what is wrong with it."""
        waiting = self.waiting
        while waiting:
            later = [each for each in waiting if any(_leads_into(each.target, other.path) for other in waiting)]
            if len(later) == len(waiting):
                for each in later:
                    with filler.along(each.path):
                        filler.wrong("refers to itself: " + " -> ".join(map(dotted, _ring(each, later))))
                break
            for each in waiting:
                if each not in later:
                    with filler.along(each.path):
                        self._fill_one(each, root, filler, partial=partial)
            waiting = later

    def _fill_one(self, reference: Reference, root: Any, filler: Filler, *, partial: bool) -> None:
        value, known = _follow(root, reference.target)
        if value is ABSENT:
            if not partial:
                filler.wrong(
                    f"there is no {dotted(reference.target)} to refer to{suggestion(reference.target[-1], known)}"
                )
            return
        found = INVALID if value is INVALID else filler.field(value, reference.attribute)
        if found is not INVALID:
            _put(reference.holder, reference.attribute.name, found)


def _follow(root: Any, target: SpecPath) -> tuple[Any, Mapping[str, Any]]:
    """The value at `target` (ABSENT: no such key; INVALID: it is wrong itself), and what stands beside it."""
    value = root
    neighbours: Mapping[str, Any] = {}
    for key in target:
        if isinstance(value, Spec):
            neighbours = {name: vars(value).get(name, INVALID) for name in attrs.fields_dict(type(value))}
        elif isinstance(value, Mapping):
            neighbours = value
        elif isinstance(value, tuple):
            neighbours = {str(index): item for index, item in enumerate(value)}
        else:
            return (INVALID if value is INVALID else ABSENT), neighbours
        if key not in neighbours:
            return ABSENT, neighbours
        value = neighbours[key]
    return value, neighbours


def _put(holder: Spec, name: str, value: Any) -> None:
    """Set a field of a frozen object that is still being made, at its place among the others."""
    values = {**vars(holder), name: value}
    vars(holder).clear()
    order = [attribute.name for attribute in attrs.fields(type(holder))]
    vars(holder).update({each: values[each] for each in order if each in values})


def _leads_into(target: SpecPath, path: SpecPath) -> bool:
    """Whether `target` is `path`, or lies inside of it."""
    return target[: len(path)] == path


def _ring(start: Reference, references: list[Reference]) -> list[SpecPath]:
    ring, here = [start], start
    while (here := next(each for each in references if _leads_into(here.target, each.path))) not in ring:
        ring.append(here)
    return [*(each.path for each in ring), here.path]
