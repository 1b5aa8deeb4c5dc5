"""`form_of`: the form of a text that was checked, generated from what the spec classes say of themselves."""

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from app.editing.checked import Checked
from app.editing.form import FormField, FormGroup, Ground, Source, Stray
from app.editing.typed import shown
from specdet.experiment import Experiment
from specdet.registry import Registry
from specdet.spec.compose import LANGUAGE_KEYS
from specdet.spec.layout import Layout
from specdet.spec.manual.description import (
    LANGUAGE_FIELDS,
    FieldDescription,
    Kind,
    Shape,
    SpecDescription,
    ValueType,
    component_value,
    describe_spec,
)
from specdet.spec.merge import changes_type
from specdet.spec.paths import SpecPath, undotted
from specdet.spec.problems import Problem
from specdet.spec.structure import ORDER
from specdet.spec.values import value_text

NUMBERS = (Kind.INT, Kind.FLOAT, Kind.UNION)
TYPE = "type"


@attrs.frozen(kw_only=True)
class Layers:
    """What is said at one place: in all, by the file itself, by what lies below it, and by a default above the class's.

    Each is None where that layer says nothing.
    """

    all: Any = None
    own: Any = None
    below: Any = None
    default: Any = None

    def into(self, key: str, *, default: Any = None) -> "Layers":
        """What is said under a key of it."""
        return Layers(all=_at(self.all, key), own=_at(self.own, key), below=_at(self.below, key), default=default)


def form_of(checked: Checked) -> FormGroup:
    """The form of a whole spec; every problem of `checked` is somewhere in it."""
    builder = _Builder(checked)
    layers = Layers(all=checked.composed.tree, own=checked.own, below=checked.below.tree)
    description = describe_spec(Experiment)
    version = description.fields[0].name  # which there is no choice of
    fields = (*description.fields[1:], *LANGUAGE_FIELDS)
    spoken = {key: value for key, value in checked.own.items() if key in LANGUAGE_KEYS}
    said = attrs.evolve(layers, all={**checked.composed.tree, **spoken})
    children = builder.fields(fields, (), said)
    strays = builder.strays((), said, {version, *(field.name for field in fields)})
    return FormGroup(
        path=(),
        field=None,
        kind=Kind.TABLE,
        help=description.summary,
        own=True,
        children=children,
        strays=strays,
        problems=builder.take(()),
    )


class _Builder:
    def __init__(self, checked: Checked):
        self.checked = checked
        layout = Layout(checked.text) if checked.is_toml else None
        self.spellings = {
            item.path: checked.text[item.value.start : item.end]
            for container in (layout.containers() if layout else ())
            for item in container.items
            if item.value.kind == "scalar"
        }
        self.waiting = [(_parsed(problem), problem) for problem in checked.problems]
        self.unset = set(_unset(checked.own))

    def take(self, path: SpecPath) -> tuple[Problem, ...]:
        """The problems at and below a path that nobody has taken yet."""
        size = len(path)
        found = tuple(problem for where, problem in self.waiting if where[:size] == path)
        self.waiting = [each for each in self.waiting if each[0][:size] != path]
        return found

    # -- tables

    def fields(
        self,
        fields: Iterable[FieldDescription],
        path: SpecPath,
        layers: Layers,
        *,
        ground: Ground | None = None,
    ) -> tuple[FormField | FormGroup, ...]:
        """The fields of a table: those that must be given, the others, the advanced ones."""
        ordered = sorted(fields, key=lambda field: (not field.required, field.meta.advanced))
        values = {field.name: _effective(field, layers) for field in ordered}
        found = []
        for field in ordered:
            default = _at(layers.default, field.name)
            inner = layers.into(field.name, default=field.default if default is None else default)
            child = self.one((*path, field.name), field, field.value, inner, ground=ground)
            if isinstance(child, FormField):
                child = attrs.evolve(child, applies=_applies(field, values))
            found.append(child)
        return tuple(found)

    def one(
        self, path: SpecPath, field: FieldDescription, kind: ValueType, layers: Layers, *, ground: Ground | None
    ) -> FormField | FormGroup:
        """What stands at one path: a group where it is a table, or could be, else a field."""
        said = layers.all
        if kind.kind is Kind.TABLE and isinstance(said, Mapping | None):
            return self.table(path, field, kind, layers, ground=ground)
        if kind.kind is Kind.COMPONENT and isinstance(said, Mapping | list | None):
            return self.component(path, field, kind, layers, ground=ground)
        if kind.kind is Kind.KEYED and kind.item and isinstance(said, Mapping | None):
            return self.keyed(path, field, kind.item, layers, ground=ground)
        return self.leaf(path, field, kind, layers, ground=ground)

    def leaf(
        self, path: SpecPath, field: FieldDescription, kind: ValueType, layers: Layers, *, ground: Ground | None
    ) -> FormField:
        below = layers.default if layers.below is None else layers.below
        value = below if layers.own is None else layers.own
        written = "" if layers.below is None else self.checked.below.written_at(path)
        source = Source.OWN
        if layers.own is None:
            source = Source.INHERITED if written else Source.ABSENT if value is None else Source.DEFAULT
        text = shown(value, kind)
        if source is Source.OWN and kind.kind in NUMBERS and not isinstance(value, str):
            text = self.spellings.get(path, text)
        return FormField(
            path=path,
            field=field,
            kind=kind,
            value=value,
            text=text,
            source=source,
            written_at=written,
            below=below,
            removed=path in self.unset,
            ground=ground,
            problems=self.take(path),
        )

    def table(
        self, path: SpecPath, field: FieldDescription, kind: ValueType, layers: Layers, *, ground: Ground | None
    ) -> FormGroup:
        assert kind.spec_class
        description = describe_spec(kind.spec_class)
        present = layers.all is not None or layers.default is not None or field.required
        inner = attrs.evolve(layers, default=layers.default if layers.all is None else None)
        children = self.fields(description.fields, path, inner, ground=ground) if present else ()
        return self.group(
            FormGroup(
                path=path,
                field=field,
                kind=Kind.TABLE,
                help=field.meta.help or description.summary,
                present=present,
                optional=not field.required and field.default is None,
                children=children,
                ground=ground,
            ),
            layers,
            known={each.name for each in description.fields},
        )

    def group(self, group: FormGroup, layers: Layers, *, known: set[str]) -> FormGroup:
        """The group with what all groups have."""
        inherited = layers.below is not None
        return attrs.evolve(
            group,
            own=layers.own is not None,
            inherited=inherited,
            written_at=self.checked.below.written_at(group.path) if inherited else "",
            removed=tuple(path[-1] for path in sorted(self.unset) if _removes(path, group)),
            strays=self.strays(group.path, layers, known),
            problems=self.take(group.path),
        )

    def strays(self, path: SpecPath, layers: Layers, known: set[str]) -> tuple[Stray, ...]:
        table = layers.all if isinstance(layers.all, Mapping) else {}
        return tuple(
            Stray(
                path=(*path, key),
                text=value_text(value, one_line=True),
                own=isinstance(layers.own, Mapping) and key in layers.own,
            )
            for key, value in table.items()
            if key not in known
        )

    # -- components

    def component(
        self, path: SpecPath, field: FieldDescription, kind: ValueType, layers: Layers, *, ground: Ground | None
    ) -> FormGroup:
        one = component_value(kind.family, Shape.ONE)
        if isinstance(layers.all, list):
            return self.listed(path, field, one, layers)
        if Shape.ONE not in kind.shapes or self.is_keyed(kind, layers):
            return self.keyed(path, field, one, layers, ground=ground)
        registry = Registry(kind.family, components=self.checked.components)
        default = layers.default if isinstance(layers.default, Mapping) else {}
        said = {**default, **(layers.all or {})}
        tag = said.get(TYPE)
        below = layers.below
        tag_below = _at(below, TYPE) or default.get(TYPE)
        if changes_type({TYPE: tag_below} if tag_below else {}, layers.own or {}):
            below = None
        keeps = default.get(TYPE) == tag
        inner = attrs.evolve(layers, below=below, default=default if keeps else None)
        description = self.description(registry, tag)
        fields = description.fields if description else ()
        own = layers.own is not None
        return self.group(
            FormGroup(
                path=path,
                field=field,
                kind=Kind.COMPONENT,
                help=description.summary if description else field.meta.help,
                tags=registry.tags,
                tag=tag,
                tag_below=tag_below if isinstance(tag_below, str) else None,
                present=own or below is not None or bool(default),
                optional=not field.required and not default,
                children=self.fields(fields, path, inner, ground=ground),
                ground=ground,
            ),
            # Of a component that is not known, no key is.
            layers if description else attrs.evolve(layers, all=None),
            known={TYPE, *(each.name for each in fields)},
        )

    def description(self, registry: Registry, tag: Any) -> SpecDescription | None:
        if not isinstance(tag, str) or tag not in registry.tags:
            return None
        return describe_spec(registry.get(tag), tag=tag, family=registry.family)

    def is_keyed(self, kind: ValueType, layers: Layers) -> bool:
        """Whether what may be one component or several is several here."""
        if Shape.KEYED not in kind.shapes or not isinstance(layers.all, Mapping) or TYPE in layers.all:
            return False
        return bool(layers.all) and all(isinstance(value, Mapping | list) for value in layers.all.values())

    def keyed(
        self, path: SpecPath, field: FieldDescription, item: ValueType, layers: Layers, *, ground: Ground | None
    ) -> FormGroup:
        components = item.kind is Kind.COMPONENT
        default = layers.default if isinstance(layers.default, Mapping) else {}
        said = layers.all if isinstance(layers.all, Mapping) else {} if components else dict(default)
        if layers.all is None and said and ground is None:
            ground = Ground(path=path, value=said)
        order = said.get(ORDER) if components and isinstance(said.get(ORDER), list) else []
        names = [name for name in said if name != ORDER or not components]
        names = list(dict.fromkeys([*(name for name in order or () if name in names), *names]))
        children = []
        for name in names:
            inner = layers.into(name, default=_at(default, name))
            if not components and layers.all is not None:
                inner = attrs.evolve(inner, default=None)  # a default table that something replaced
            children.append(_entry(self.one((*path, name), field, item, inner, ground=ground)))
        group = FormGroup(
            path=path,
            field=field,
            kind=Kind.KEYED,
            item=item,
            help=field.meta.help,
            tags=Registry(item.family, components=self.checked.components).tags if components else (),
            present=True,
            children=tuple(children),
            ground=ground,
        )
        return self.group(group, layers, known={*names, ORDER})

    def listed(self, path: SpecPath, field: FieldDescription, item: ValueType, layers: Layers) -> FormGroup:
        items = layers.all
        ground = Ground(path=path, value=items) if layers.own is None else None
        children = []
        for index in range(len(items)):
            child = self.one((*path, str(index)), field, item, layers.into(str(index)), ground=ground)
            children.append(_entry(child))
        group = FormGroup(
            path=path,
            field=field,
            kind=Kind.ARRAY,
            item=item,
            help=field.meta.help,
            tags=Registry(item.family, components=self.checked.components).tags,
            optional=not field.required,
            children=tuple(children),
            ground=ground,
        )
        return self.group(group, layers, known=set())


def _entry(child: FormField | FormGroup) -> FormField | FormGroup:
    """What stands in a keyed table or a list is taken out there, not made into nothing."""
    return attrs.evolve(child, optional=False) if isinstance(child, FormGroup) else child


def _at(content: Any, key: str) -> Any:
    if isinstance(content, Mapping):
        return content.get(key)
    if isinstance(content, list) and key.isdecimal() and int(key) < len(content):
        return content[int(key)]
    return None


def _effective(field: FieldDescription, layers: Layers) -> Any:
    """What a field comes to, as far as other fields depend on it."""
    for table in (layers.all, layers.default):
        if _at(table, field.name) is not None:
            return _at(table, field.name)
    return field.default


def _applies(field: FieldDescription, values: Mapping[str, Any]) -> bool:
    return all(values.get(name) in wanted for name, wanted in (field.meta.depends_on or {}).items())


def _unset(own: Mapping[str, Any]) -> Iterable[SpecPath]:
    names = own.get("unset")
    for name in names if isinstance(names, list) else ():
        try:
            yield undotted(name)
        except (ValueError, TypeError, AttributeError):
            continue  # told as a problem of `unset`


def _removes(path: SpecPath, group: FormGroup) -> bool:
    inside = group.kind is Kind.KEYED and path[:-1] == group.path and path[-1] not in group.names
    return inside or (path == group.path and not group.own)


def _parsed(problem: Problem) -> SpecPath:
    try:
        return undotted(problem.path) if problem.path else ()
    except ValueError:
        return tuple(problem.path.split("."))
