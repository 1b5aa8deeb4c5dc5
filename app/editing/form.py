"""The form of a spec as data: fields and groups of fields, with their values, where those are from, and problems."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import attrs

from specdet.spec.manual.description import FieldDescription, Kind, ValueType
from specdet.spec.paths import SpecPath
from specdet.spec.problems import Problem


class Source(StrEnum):
    """Where a value is from."""

    OWN = "own"  # the file says it
    INHERITED = "inherited"  # a file that it extends does
    DEFAULT = "default"
    ABSENT = "absent"  # there is none


class Widget(StrEnum):
    """How a field is shown."""

    TEXT = "text"
    CHOICE = "choice"
    TOGGLE = "toggle"


@attrs.frozen(kw_only=True)
class Ground:
    """What has to be written before something inside of it can be, since writing only that would drop the rest."""

    path: SpecPath
    value: Any


@attrs.frozen(kw_only=True)
class FormField:
    """One key with a value that is no table of fields.

    Attributes:
        path: Of the key in the spec.
        field: Its description; for an item of a keyed table, that of the table.
        kind: The type of the value.
        value: What it comes to; None where there is none.
        text: That as it would be typed; as the file spells it, where the file says it.
        source: Where the value is from.
        written_at: `file:line:column` of an inherited one.
        below: What it would come to if the file said nothing.
        removed: Whether `unset` of this file names it.
        applies: Whether it matters, by the fields that it depends on.
        ground: See there.
        problems: What is wrong with it.
    """

    path: SpecPath
    field: FieldDescription
    kind: ValueType
    value: Any
    text: str
    source: Source
    written_at: str = ""
    below: Any = None
    removed: bool = False
    applies: bool = True
    ground: Ground | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def name(self) -> str:
        """Its key."""
        return self.path[-1]

    @property
    def own(self) -> bool:
        """Whether the file says it."""
        return self.source is Source.OWN

    @property
    def widget(self) -> Widget:
        """What suits the value; whatever is of another kind, as a mistake is, can be typed."""
        if self.kind.kind is Kind.BOOL and isinstance(self.value, bool | None):
            return Widget.TOGGLE
        if self.kind.kind is Kind.CHOICE and not isinstance(self.value, dict | list):
            return Widget.CHOICE
        return Widget.TEXT

    @property
    def can_be_unset(self) -> bool:
        """Whether a base gives it and the spec could be without it."""
        optional = not self.field.required and (self.field.default is None or self.field.derived)
        return self.source is Source.INHERITED and optional

    @property
    def count(self) -> int:
        """How many problems there are."""
        return len(self.problems)


@attrs.frozen(kw_only=True)
class Stray:
    """A key that nothing describes: a misspelt one, or one of another component."""

    path: SpecPath
    text: str
    own: bool


@attrs.frozen(kw_only=True)
class FormGroup:
    """A table: of fields, one component, or components and fields under keys that the author chose.

    Attributes:
        path: Of the table in the spec; () is the whole spec.
        field: Its description; for an item of a keyed table, that of the table. None for the whole spec.
        kind: TABLE, COMPONENT, KEYED, or ARRAY for a list of components.
        item: Of KEYED and ARRAY: the type of what they hold.
        help: What it is, in a line.
        tags: Of a component: all that it can be.
        tag: The `type` that it has; None where there is none.
        tag_below: The `type` that it would have if the file said nothing.
        present: Whether there is such a table at all.
        optional: Whether there need not be.
        own: Whether the file says anything of it.
        inherited: Whether something below the file does: a base, or a default.
        written_at: `file:line:column` of the inherited table.
        removed: Of KEYED: the names that `unset` of this file takes out. Of others: their own, if so.
        children: What is in it, in the order that counts.
        strays: Keys that nothing describes.
        ground: See `Ground`.
        problems: Those of the table as such; see `count`.
    """

    path: SpecPath
    field: FieldDescription | None
    kind: Kind
    item: ValueType | None = None
    help: str = ""
    tags: tuple[str, ...] = ()
    tag: Any = None
    tag_below: str | None = None
    present: bool = True
    optional: bool = False
    own: bool = False
    inherited: bool = False
    written_at: str = ""
    removed: tuple[str, ...] = ()
    children: tuple["FormField | FormGroup", ...] = ()
    strays: tuple[Stray, ...] = ()
    ground: Ground | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def name(self) -> str:
        """Its key; empty for the whole spec."""
        return self.path[-1] if self.path else ""

    @property
    def count(self) -> int:
        """How many problems there are in it, however deep."""
        return len(self.problems) + sum(child.count for child in self.children)

    @property
    def names(self) -> tuple[str, ...]:
        """The keys of its children, in their order."""
        return tuple(child.name for child in self.children)

    def fields(self) -> Iterator[FormField]:
        """Every field in it, however deep."""
        for child in self.children:
            if isinstance(child, FormField):
                yield child
            else:
                yield from child.fields()

    def groups(self) -> Iterator["FormGroup"]:
        """Itself and every group in it, outer ones first."""
        yield self
        for child in self.children:
            if isinstance(child, FormGroup):
                yield from child.groups()

    def child(self, name: str) -> "FormField | FormGroup | None":
        """What is under that key."""
        return next((child for child in self.children if child.name == name), None)

    def find(self, path: SpecPath) -> "FormField | FormGroup | None":
        """What is at a path, else the nearest thing around it; None where not even its first key is here."""
        rest = path[len(self.path) :]
        found = self.child(rest[0]) if rest else self
        if isinstance(found, FormGroup) and len(rest) > 1:
            return found.find(path) or found
        return found


GENERAL = "general"


def sections(form: FormGroup) -> dict[str, tuple[FormField | FormGroup, ...]]:
    """The form in parts that are looked at one at a time: the plain keys of the top, then each table by its name."""
    plain = tuple(child for child in form.children if isinstance(child, FormField))
    tables = {child.name: (child,) for child in form.children if isinstance(child, FormGroup)}
    return {GENERAL: plain, **tables}


def section_of(path: SpecPath, form: FormGroup) -> str:
    """The part that a path is in."""
    found = form.child(path[0]) if path else None
    return found.name if isinstance(found, FormGroup) else GENERAL
