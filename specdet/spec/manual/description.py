"""What a spec class says of itself, as data: one source for `explain`, the editors' schema, the reference and forms."""

import inspect
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import attrs

from specdet.registry import COMPONENTS, Components, Registry
from specdet.spec.base import Spec
from specdet.spec.dump import to_table
from specdet.spec.fields import REQUIRED, Meta, meta_of, range_text
from specdet.spec.paths import SpecPath
from specdet.spec.published import Published
from specdet.spec.secret import Secret
from specdet.spec.values import value_text
from specdet.spec.words import allows, describe


class Kind(StrEnum):
    """Every kind of value that a spec may hold; a form has a widget for each."""

    BOOL = "bool"
    INT = "int"
    FLOAT = "float"
    TEXT = "text"
    PATH = "path"
    SECRET = "secret"  # a kind. { env = "NAME" }  # nosec B105
    CHOICE = "choice"  # one of `choices`
    ARRAY = "array"  # any number of `item`
    TUPLE = "tuple"  # `parts`, in this order
    KEYED = "keyed"  # a table of `item` under keys that the author chooses
    TABLE = "table"  # the fields of `spec_class`
    COMPONENT = "component"  # of `family`, in one of `shapes`
    UNION = "union"  # one of `parts`


class Shape(StrEnum):
    """How the components of one field may come."""

    ONE = "one"  # a table with a type
    LIST = "list"  # an array of such tables
    KEYED = "keyed"  # such tables under keys that the author chooses


SCALARS = {
    bool: Kind.BOOL,
    int: Kind.INT,
    float: Kind.FLOAT,
    str: Kind.TEXT,
    Path: Kind.PATH,
    Published: Kind.TEXT,
    Secret: Kind.SECRET,
}


@attrs.frozen(kw_only=True)
class ValueType:
    """The type of a value; which attributes are set follows from `kind`."""

    kind: Kind
    words: str
    choices: tuple[Any, ...] = ()
    item: "ValueType | None" = None
    parts: tuple["ValueType", ...] = ()
    spec_class: type[Spec] | None = None
    family: str = ""
    shapes: tuple[Shape, ...] = ()


@attrs.frozen(kw_only=True)
class FieldDescription:
    """One key of a table.

    Attributes:
        name: The key.
        value: Its type.
        meta: Help, unit, range, and the rest that the spec class says beside the type.
        required: Whether a spec must give it.
        default: As plain TOML, None where nothing is the default. Of a table: the keys in which it differs from the
            defaults of its class. Of components: the table beneath what the spec says.
        derived: Whether the default follows from other values; the help says how, and `default` is None.
    """

    name: str
    value: ValueType
    meta: Meta
    required: bool = False
    default: Any = None
    derived: bool = False

    @property
    def type_text(self) -> str:
        """Type, range, least length and unit in words."""
        many = self.value.kind in (Kind.ARRAY, Kind.TUPLE)
        least = self.meta.min_length
        parts = (
            self.value.words,
            f"{'each ' * many}{range_text(self.meta)}" if range_text(self.meta) else "",
            f"at least {least} item{'s' * (least > 1)}" if least else "",
            f"in {self.meta.unit}" if self.meta.unit else "",
        )
        return ", ".join(part for part in parts if part)

    @property
    def default_text(self) -> str:
        """The default as TOML, or in words where TOML has none."""
        if self.required:
            return "required"
        if self.derived:
            return "derived"
        return "not given" if self.default is None else value_text(self.default, one_line=True)

    @property
    def condition_text(self) -> str:
        """`only where warmup is "linear" or "constant"`, or nothing."""
        conditions = (f"{name} is {_choice_text(values)}" for name, values in (self.meta.depends_on or {}).items())
        joined = " and ".join(conditions)
        return f"only where {joined}" if joined else ""


@attrs.frozen(kw_only=True)
class SpecDescription:
    """One table: a component of a family, or (without a tag) a table of settings."""

    spec_class: type[Spec]
    summary: str
    fields: tuple[FieldDescription, ...]
    tag: str = ""
    family: str = ""

    @property
    def name(self) -> str:
        """What people call it: its tag, else its class."""
        return self.tag or self.spec_class.__name__.removesuffix("Spec")

    def field(self, name: str) -> FieldDescription | None:
        """The field of that name."""
        return next((field for field in self.fields if field.name == name), None)


# What compose reads itself: these stand at the top of a file, and no spec class has them.
LANGUAGE_FIELDS = tuple(
    FieldDescription(
        name=name,
        value=ValueType(kind=Kind.ARRAY, words=describe(tuple[str, ...]), item=ValueType(kind=Kind.TEXT, words="text")),
        meta=Meta(help=help),
        default=[],
    )
    for name, help in {
        "extends": 'Specs that this one lies over, the last one uppermost: paths from this file, or "specdet:NAME".',
        "unset": "Paths of inherited keys to remove.",
    }.items()
)
ORDER_FIELD = attrs.evolve(
    LANGUAGE_FIELDS[0],
    name="order",
    meta=Meta(help="The keys in the order that counts, where it is not the one written."),
)


def describe_spec(spec_class: type[Spec], *, tag: str = "", family: str = "") -> SpecDescription:
    """A spec class as data; `tag` and `family` where it is a component."""
    summary = inspect.cleandoc(spec_class.__doc__ or "").partition("\n\n")[0].replace("\n", " ")
    own_first = sorted(attrs.fields(spec_class), key=lambda attribute: attribute.inherited)
    fields = tuple(_field(attribute) for attribute in own_first)
    return SpecDescription(spec_class=spec_class, summary=summary, fields=fields, tag=tag, family=family)


def describe_family(family: str, *, components: Components = COMPONENTS) -> tuple[SpecDescription, ...]:
    """Every component of a family. Raises UnknownTag."""
    registry = Registry(family, components=components)
    return tuple(describe_spec(registry.get(tag), tag=tag, family=family) for tag in registry.tags)


def type_field(family: str, *, default: str = "", components: Components = COMPONENTS) -> FieldDescription:
    """The `type` of a component, which no spec class has as a field."""
    tags = Registry(family, components=components).tags
    value = ValueType(kind=Kind.CHOICE, words=describe(Literal[tags]), choices=tags)
    return FieldDescription(
        name="type",
        value=value,
        meta=Meta(help=f"Which {family} it is."),
        required=not default,
        default=default or None,
    )


def walk_specs(root: type[Spec], *, components: Components = COMPONENTS) -> Iterator[tuple[SpecPath, SpecDescription]]:
    """Every spec class that a spec of `root` can hold, once, with the first path that leads to it.

    Keys that the author chooses are NAME in these paths, and places in an array 0.
    """
    seen: set[type[Spec]] = set()

    def visit(path: SpecPath, description: SpecDescription) -> Iterator[tuple[SpecPath, SpecDescription]]:
        if description.spec_class not in seen:
            seen.add(description.spec_class)
            yield path, description
            for field in description.fields:
                yield from inside((*path, field.name), field.value)

    def inside(path: SpecPath, value: ValueType) -> Iterator[tuple[SpecPath, SpecDescription]]:
        if value.kind is Kind.TABLE and value.spec_class:
            yield from visit(path, describe_spec(value.spec_class))
        elif value.kind is Kind.COMPONENT:
            for description in describe_family(value.family, components=components):
                yield from visit(path if Shape.ONE in value.shapes else (*path, "NAME"), description)
        elif value.item:
            yield from inside((*path, "NAME" if value.kind is Kind.KEYED else "0"), value.item)
        for part in value.parts:
            yield from inside(path, part)

    return visit((), describe_spec(root))


def component_value(family: str, *shapes: Shape) -> ValueType:
    """The type of a value that holds components."""
    words = {Shape.ONE: "a component", Shape.LIST: "an array of components", Shape.KEYED: "keyed components"}
    text = f"{', or '.join(words[shape] for shape in shapes)} ({family})"
    return ValueType(kind=Kind.COMPONENT, words=text, family=family, shapes=shapes)


def _field(attribute: attrs.Attribute) -> FieldDescription:
    meta = meta_of(attribute)
    value = component_value(meta.family, *_shapes(attribute.type)) if meta.family else _value(attribute.type)
    required, default, derived = _default(attribute, meta)
    return FieldDescription(
        name=attribute.name, value=value, meta=meta, required=required, default=default, derived=derived
    )


def _default(attribute: attrs.Attribute, meta: Meta) -> tuple[bool, Any, bool]:
    """Whether a field is required, its default, and whether that is derived from other fields."""
    default: Any = attribute.default
    if default is REQUIRED:
        return True, None, False
    if meta.default_table is not None:
        return False, dict(meta.default_table), False
    if isinstance(default, attrs.Factory):  # pyright: ignore[reportArgumentType]
        if default.takes_self:
            return False, None, True
        default = default.factory()
    return False, _plain(default), False


def _plain(value: Any) -> Any:
    if isinstance(value, Spec):
        table = to_table(value)
        return {each.name: table[each.name] for each in attrs.fields(type(value)) if _differs(value, each)}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path | Published) else value


def _differs(value: Spec, attribute: attrs.Attribute) -> bool:
    """Whether a field of `value` is not what its class would have given it."""
    default: Any = attribute.default
    if isinstance(default, attrs.Factory):  # pyright: ignore[reportArgumentType]
        if default.takes_self:
            return default.factory(value) != getattr(value, attribute.name)
        default = default.factory()
    if attribute.converter and default is not REQUIRED:
        default = attribute.converter(default)  # pyright: ignore[reportCallIssue]
    return default != getattr(value, attribute.name)


def _value(kind: Any) -> ValueType:
    origin, arguments = get_origin(kind), get_args(kind)
    words = describe(kind)
    if origin is Literal:
        return ValueType(kind=Kind.CHOICE, words=words, choices=arguments)
    if origin in (Union, UnionType):
        arms = [_value(arm) for arm in arguments if arm is not NoneType]
        return arms[0] if len(arms) == 1 else ValueType(kind=Kind.UNION, words=words, parts=tuple(arms))
    if origin is tuple and arguments[-1] is Ellipsis:
        return ValueType(kind=Kind.ARRAY, words=words, item=_value(arguments[0]))
    if origin is tuple:
        return ValueType(kind=Kind.TUPLE, words=words, parts=tuple(_value(each) for each in arguments))
    if origin is dict:
        item = _value(arguments[1])
        return ValueType(kind=Kind.KEYED, words=f"a table of keys that you choose, each {item.words}", item=item)
    if kind in SCALARS:
        return ValueType(kind=SCALARS[kind], words=words)
    assert issubclass(kind, Spec), f"a spec field of type {kind} needs a kind"
    return ValueType(kind=Kind.TABLE, words=words, spec_class=kind)


def _shapes(kind: Any) -> tuple[Shape, ...]:
    """The shapes that the annotation of a component field allows."""
    forms = ((Spec, Shape.ONE), (tuple, Shape.LIST), (dict, Shape.KEYED))
    return tuple(shape for form, shape in forms if allows(kind, form))


def _choice_text(values: tuple[Any, ...]) -> str:
    if (
        len(values) > 3
        and all(type(value) is int for value in values)
        and values == (*range(values[0], values[-1] + 1),)
    ):
        return f"{values[0]} to {values[-1]}"
    texts = ["not given" if value is None else value_text(value) for value in values]
    return " or ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)
