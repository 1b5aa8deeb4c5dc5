"""Spec: the base of every class that a spec table is structured into."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, ClassVar, TypeVar, cast, dataclass_transform

import attrs

from specdet.registry import import_object
from specdet.spec.fields import component, field, field_problems
from specdet.spec.problems import Problem, SpecError

T = TypeVar("T")


class Unsound(Exception):
    """A rule asks for a field whose own value is wrong. That is told already, and the rule can say nothing."""


class Spec:
    """A description of one part of an experiment: frozen, keyword-only, checked when made, built on demand.

    Subclasses are decorated with `@spec`, give each field with `field` or `component`, and name what they build:

        @spec
        class FPNSpec(Spec):
            builds: ClassVar[str] = "specdet.models.necks.fpn:FPN"
            out_channels: int = field(256, ge=1, help="Channels of every pyramid level.")

    `FPNSpec(out_channels=64).build(in_channels=(256, 512))` then gives `FPN(spec, in_channels=(256, 512))`: the module
    takes what the user wrote as one spec, and what only its parent knows as keywords.
    """

    builds: ClassVar[str] = ""  # "module:Class"; ":Class" where both stand in one file
    plugin_tag: ClassVar[str] = ""  # what specs call a class that a plugin brought, set as the plugin is read

    def build(self, **runtime: Any) -> Any:
        """Import the implementation (the first place where torch may be loaded) and make it from this spec."""
        if not self.builds:
            raise TypeError(f"{type(self).__name__} describes settings; there is nothing to build")
        here = type(self).__module__ if self.builds.startswith(":") else ""
        return import_object(here + self.builds)(self, **runtime)

    def problems(self) -> Iterable[Problem]:
        """Rules between the fields of this class; paths are relative to it. Subclasses override."""
        return ()

    def __getattr__(self, name: str) -> Any:
        """Only asked for what is not there: a field whose value was wrong, while the rest is still being checked."""
        if any(attribute.name == name for attribute in getattr(type(self), "__attrs_attrs__", ())):
            raise Unsound(name)
        raise AttributeError(f"{type(self).__name__} has no attribute '{name}'")

    def __attrs_post_init__(self) -> None:
        found = [*field_problems(type(self), vars(self))] or [*self.problems()]
        if found:
            raise SpecError(found)

    # Written once here: attrs would compile a pair for every class, which is most of a class's start-up cost.
    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return False
        return all(_ordered(value) == _ordered(vars(other).get(name)) for name, value in vars(self).items())

    def __hash__(self) -> int:
        return hash((type(self), repr(self)))

    def __repr__(self) -> str:
        inner = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({inner})"


def problems_of_rules(*rules: Iterable[Problem]) -> Iterator[Problem]:
    """What several rules find; one that asks for a value which is itself wrong is left out, and the others go on."""
    for rule in rules:
        with suppress(Unsound):
            yield from rule


def _ordered(value: Any) -> Any:
    """Keyed components in their order, which is the order in which they act."""
    if not isinstance(value, dict):
        return value
    table = cast("dict[str, Any]", value)
    return [(key, _ordered(item)) for key, item in table.items()]


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field, component))
def spec(cls: type[T]) -> type[T]:
    """Make a Spec subclass an attrs class: frozen, keyword-only, cheap to create.

    The module must not use `from __future__ import annotations`: types are read as they stand, once.
    """
    return attrs.define(cls, frozen=True, kw_only=True, eq=False, repr=False, slots=False, hash=False, order=False)
