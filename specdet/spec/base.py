"""Spec: the base of every class that a spec table is structured into."""

from collections.abc import Iterable
from typing import Any, ClassVar, TypeVar, dataclass_transform

import attrs

from specdet.registry import import_object
from specdet.spec.fields import component, field, field_problems
from specdet.spec.problems import Problem, SpecError

T = TypeVar("T")


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

    builds: ClassVar[str] = ""

    def build(self, **runtime: Any) -> Any:
        """Import the implementation (the first place where torch may be loaded) and make it from this spec."""
        if not self.builds:
            raise TypeError(f"{type(self).__name__} describes settings; there is nothing to build")
        return import_object(self.builds)(self, **runtime)

    def problems(self) -> Iterable[Problem]:
        """Rules between the fields of this class; paths are relative to it. Subclasses override."""
        return ()

    def __attrs_post_init__(self) -> None:
        found = [*field_problems(type(self), vars(self))] or [*self.problems()]
        if found:
            raise SpecError(found)

    # Written once here: attrs would compile a pair for every class, which is most of a class's start-up cost.
    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((type(self), repr(self)))

    def __repr__(self) -> str:
        inner = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({inner})"


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field, component))
def spec(cls: type[T]) -> type[T]:
    """Make a Spec subclass an attrs class: frozen, keyword-only, cheap to create.

    The module must not use `from __future__ import annotations`: types are read as they stand, once.
    """
    return attrs.define(cls, frozen=True, kw_only=True, eq=False, repr=False, slots=False, hash=False, order=False)
