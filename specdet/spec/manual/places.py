"""Where a path leads: the fields that may stand there, through tables whose type is known or not."""

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from specdet.registry import COMPONENTS, Components, Registry, suggestion
from specdet.spec.argument import plain
from specdet.spec.base import Spec
from specdet.spec.manual.description import (
    LANGUAGE_FIELDS,
    ORDER_FIELD,
    FieldDescription,
    Kind,
    Shape,
    SpecDescription,
    ValueType,
    component_value,
    describe_spec,
    type_field,
)
from specdet.spec.paths import SpecPath, dotted
from specdet.spec.problems import SpecError


@attrs.frozen(kw_only=True)
class Candidate:
    """What may stand at a path.

    Attributes:
        owner: The table class that the last field on the path belongs to.
        field: That field.
        value: The type at the path: the field's own, or that of something inside of it.
        tags: Where one component stands here: those that it can be.
    """

    owner: SpecDescription
    field: FieldDescription
    value: ValueType
    tags: tuple[str, ...] = ()


def find(
    root: type[Spec], path: SpecPath, *, tree: Mapping[str, Any] | None = None, components: Components = COMPONENTS
) -> tuple[Candidate, ...]:
    """Everything that `path` can mean in a spec of `root`, at least one thing.

    Args:
        root: The class of the whole spec.
        path: Keys; an item of an array is its index in decimal.
        tree: A composed table. Its types, and the defaults', say which component is meant; without it every component
            that has the rest of the path is found.
        components: The registry's table.

    Raises:
        SpecError: For a path that leads nowhere, with the nearest name.
    """
    assert path, "the root is no field"
    finder = _Finder(components=components, known=tree is not None)
    owner = describe_spec(root)
    fields = {field.name: field for field in (*LANGUAGE_FIELDS, *owner.fields)}
    steps = finder.field_step(fields.get(path[0]), owner, tree)
    finder.need(steps, path[:1], fields)
    for depth, key in enumerate(path[1:], start=2):
        deeper = [found for step in steps for found in finder.into(step, key)]
        finder.need(deeper, path[:depth], [name for step in steps for name in finder.keys(step)])
        steps = deeper
    found = (Candidate(owner=step.owner, field=step.field, value=step.value, tags=finder.tags(step)) for step in steps)
    distinct: list[Candidate] = []
    for candidate in found:
        if candidate not in distinct:  # two detectors lead to the same backbones
            distinct.append(candidate)
    return tuple(distinct)


@attrs.frozen(kw_only=True)
class _Step:
    """A place on the way: what `Candidate` says, and what the tree and the defaults hold there."""

    owner: SpecDescription
    field: FieldDescription
    value: ValueType
    content: Any
    default: Mapping[str, Any]
    fixed: bool = False  # whether the default's type is as good as said: that of a key which every spec has


@attrs.frozen(kw_only=True)
class _Finder:
    components: Components
    known: bool  # whether there is a tree, so that types need not be guessed

    def need(self, steps: list[_Step], path: SpecPath, names: Any) -> None:
        if not steps:
            hint = suggestion(path[-1], dict.fromkeys(names))
            raise SpecError.one(f"no spec has such a key{hint}", path=dotted(path))

    def field_step(self, field: FieldDescription | None, owner: SpecDescription, content: Any) -> list[_Step]:
        if field is None:
            return []
        default = field.default if isinstance(field.default, Mapping) else {}
        return [
            _Step(owner=owner, field=field, value=field.value, content=at_key(content, field.name), default=default)
        ]

    def into(self, step: _Step, key: str) -> list[_Step]:
        """What `key` means in what stands at `step`."""
        value = step.value
        if value.kind is Kind.TABLE and value.spec_class:
            owner = describe_spec(value.spec_class)
            return self.field_step(owner.field(key), owner, step.content)
        if value.kind is Kind.COMPONENT:
            return self.into_component(step, key)
        if value.kind is Kind.UNION:
            return [found for part in value.parts for found in self.into(attrs.evolve(step, value=part), key)]
        inside: list[ValueType] = []
        if value.item and (value.kind is Kind.KEYED or key.isdecimal()):
            inside = [value.item]
        elif value.kind is Kind.TUPLE and key.isdecimal() and int(key) < len(value.parts):
            inside = [value.parts[int(key)]]
        return [attrs.evolve(step, value=each, content=at_key(step.content, key)) for each in inside]

    def into_component(self, step: _Step, key: str) -> list[_Step]:
        value, found = step.value, []
        several = [shape for shape in value.shapes if self.is_possible(step, shape)]
        if Shape.ONE in several:
            if key == "type":
                field = type_field(value.family, default=step.default.get("type", ""), components=self.components)
                found = [_Step(owner=step.owner, field=field, value=field.value, content=None, default={})]
            for owner in self.owners(step) if not found else ():
                found += self.field_step(owner.field(key), owner, step.content)
        if not found and Shape.KEYED in several and key == ORDER_FIELD.name:
            found = [attrs.evolve(step, field=ORDER_FIELD, value=ORDER_FIELD.value, content=None, default={})]
        if not found and (Shape.KEYED in several or (Shape.LIST in several and key.isdecimal())):
            one = component_value(value.family, Shape.ONE)
            default = at_key(step.default, key) or {}
            found = [attrs.evolve(step, value=one, content=at_key(step.content, key), default=default, fixed=True)]
        return found

    def is_possible(self, step: _Step, shape: Shape) -> bool:
        """Whether the tree, where it holds something here, leaves room for `shape`."""
        if isinstance(step.content, list):
            return shape is Shape.LIST
        if not isinstance(step.content, Mapping):
            return True
        single = "type" in step.content or "type" in step.default or Shape.KEYED not in step.value.shapes
        return shape is (Shape.ONE if single else Shape.KEYED)

    def tags(self, step: _Step) -> tuple[str, ...]:
        """The components that may stand here; none where there is not exactly one."""
        if step.value.shapes != (Shape.ONE,):
            return ()
        every = Registry(step.value.family, components=self.components).tags
        default = step.default.get("type") if self.known or step.fixed else None
        tag = at_key(step.content, "type") or default
        return (tag,) if tag in every else every

    def owners(self, step: _Step) -> list[SpecDescription]:
        registry = Registry(step.value.family, components=self.components)
        one = attrs.evolve(step, value=component_value(step.value.family, Shape.ONE))
        return [describe_spec(registry.get(tag), tag=tag, family=registry.family) for tag in self.tags(one)]

    def keys(self, step: _Step) -> Iterator[str]:
        """The names that `into` knows at `step`."""
        if step.value.kind is Kind.TABLE and step.value.spec_class:
            yield from (field.name for field in describe_spec(step.value.spec_class).fields)
        elif step.value.kind is Kind.COMPONENT and Shape.ONE in step.value.shapes:
            yield "type"
            for owner in self.owners(step):
                yield from (field.name for field in owner.fields)


def at_key(content: Any, key: str) -> Any:
    """What a table or an array holds under `key`, or None."""
    if isinstance(content, Mapping):
        return plain(content.get(key))
    if isinstance(content, list) and key.isdecimal() and int(key) < len(content):
        return content[int(key)]
    return None
