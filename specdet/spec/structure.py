"""Structuring: a table becomes a tree of spec objects, strictly, and every problem is found in the one pass."""

from collections.abc import Callable, Collection, Mapping
from functools import partial as bound
from types import NoneType
from typing import Any

import attrs

from specdet.registry import COMPONENTS, Components, Registry, UnknownTag, suggestion
from specdet.spec.argument import plain
from specdet.spec.base import Spec, Unsound
from specdet.spec.fields import Meta, meta_of, range_problems
from specdet.spec.merge import merge
from specdet.spec.paths import SpecPath, dotted, undotted
from specdet.spec.plugin_code import guarded
from specdet.spec.problems import Problem, SpecError
from specdet.spec.references import References
from specdet.spec.rules import INVALID, Origins, ValueRules
from specdet.spec.words import allows, shown

FACTORY: Any = attrs.Factory
ORDER = "order"  # reserved in keyed tables of components: the keys in another order than the one written


@attrs.frozen(kw_only=True)
class Known:
    """What a table is structured with: the components that tags may name.

    Attributes:
        components: By family and tag, as in `specdet.registry`, plugins included.
        unread: Namespaces of plugins that were not loaded: nothing is said of what they would hold.
        language_keys: What a file may say at its top besides the keys of the root.
        hint_of: What to tell people who write a key as another tool calls it, or nothing.
    """

    components: Components = COMPONENTS
    unread: Collection[str] = ()
    language_keys: Collection[str] = ()
    hint_of: Callable[[str], str] = lambda key: ""


def structure(
    tree: Mapping[str, Any],
    target: type[Spec],
    *,
    origins: Origins | None = None,
    known: Known | None = None,
    partial: bool = False,
) -> Any:
    """`tree` as an instance of `target`.

    Args:
        tree: A table as `compose` or a Python caller gives it.
        target: The spec class of the whole table.
        origins: Where each value was written. With it, paths become absolute, relative to the file that wrote them.
        known: The components that tags may name; those of the registry unless given.
        partial: Whether the table is only a part of a spec: missing keys are then no problem, no rule between fields is
            asked, and what comes back is worth nothing but the absence of problems.

    Raises:
        SpecError: With all problems of the whole tree.
    """
    structurer = _Structurer(tree, origins, known or Known(), target=target, partial=partial)
    return structurer.run(lambda: structurer.spec(tree, target))


def structure_component(value: Any, *, family: str, default_table: Mapping[str, Any] | None = None) -> Any:
    """A component, a list or a keyed table of them, given from Python: specs pass, tables are structured.

    Raises:
        SpecError: With all that is wrong.
    """
    if value is None or isinstance(value, Spec):
        return value
    single = default_table is not None and "type" in default_table  # then an empty table means the default
    if isinstance(value, dict) and (value or not single) and all(isinstance(item, Spec) for item in value.values()):
        return value
    if isinstance(value, tuple) and all(isinstance(item, Spec) for item in value):
        return value
    meta = Meta(help="", family=family, default_table=default_table)
    structurer = _Structurer({}, None, Known(), target=None, partial=False)
    return structurer.run(lambda: structurer.component(value, Any, meta))


def build_from_cfg(cfg: Any, registry: Registry, default_args: Mapping[str, Any] | None = None, **runtime: Any) -> Any:
    """Build what a table, a spec or a list of these describes.

    Args:
        cfg: A table with a `type` (a tag of the registry, or a spec class), a spec, or a list of either: a list builds
            an `nn.Sequential` of its parts.
        registry: The family that tags are looked up in.
        default_args: Keys that `cfg` may leave out; what it says itself wins.
        runtime: Passed to the implementation beside the spec.

    Raises:
        SpecError: For unknown tags and keys, wrong types, values out of range.
    """
    if isinstance(cfg, list | tuple):
        from torch import nn

        return nn.Sequential(*(build_from_cfg(each, registry, default_args, **runtime) for each in cfg))
    if isinstance(cfg, Mapping):
        cfg = merge(default_args or {}, cfg)
    return structure_component(cfg, family=registry.family).build(**runtime)


class _Structurer(ValueRules):
    """The rules for specs and components.

    Objects are made first, whatever is wrong with some of their fields, which then are absent; references are filled
    in; and at last each object is asked for its rules between fields. So a mistake in one corner hides none elsewhere.
    """

    def __init__(
        self,
        tree: Mapping[str, Any],
        origins: Origins | None,
        known: Known,
        *,
        target: type[Spec] | None,
        partial: bool,
    ):
        super().__init__(tree, origins)
        self.known = known
        self.target = target
        self.partial = partial
        self.made: list[tuple[SpecPath, Spec]] = []
        self.references = References()
        self.add_rule(lambda kind: isinstance(kind, type) and issubclass(kind, Spec), self.spec)

    def run(self, rule: Callable[[], Any]) -> Any:
        """What `rule` gives, complete and sound. Raises SpecError."""
        result = rule()
        self.references.fill(result, self, partial=self.partial)
        for path, spec in () if self.partial else self.made:
            try:
                found = guarded(type(spec), lambda spec=spec: list(spec.problems()))
            except Unsound:
                continue  # what the rule asks for is wrong itself, and told
            except SpecError as error:
                found = error.problems
            self.problems += [problem.under(dotted(path)) for problem in found]
        if self.problems:
            raise SpecError(self.problems)
        whole = all(vars(spec).keys() >= attrs.fields_dict(type(spec)).keys() for _, spec in self.made)
        assert self.partial or self.known.unread or whole, "a field that could not be made is told"
        return result

    def attempt(self, rule: Callable[[], Any]) -> tuple[Any, list[Problem]]:
        made, references = len(self.made), len(self.references.waiting)
        found, deeper = super().attempt(rule)
        if deeper:
            del self.made[made:], self.references.waiting[references:]
        return found, deeper

    def spec(self, table: Any, kind: type[Spec], *, tag: str = "", family: str = "") -> Any:
        """A table as one spec class; all its fields are read, whatever is wrong with the others."""
        if isinstance(table, kind):
            return table
        if not isinstance(table, Mapping):
            return self.expected(dict, table)
        attributes = {attribute.name: attribute for attribute in attrs.fields(kind)}
        for key in table:
            if key not in attributes and not (tag and key == "type"):
                self.unknown(key, kind, tag=tag, family=family)
        made = object.__new__(kind)
        values = vars(made)
        for name, attribute in attributes.items():
            with self.at(name):
                value = self.given(table[name], attribute, made) if name in table else self.absent(attribute, made)
            if value is not INVALID:
                values[name] = value
        if table.keys() <= {*attributes, "type"} or not self.path:  # else a rule may only miss what is misspelt
            self.made.append((self.path, made))
        return made

    def unknown(self, key: str, kind: type[Spec], *, tag: str, family: str) -> None:
        """The problem of a key that a class does not have, with where it may have been meant to stand."""
        from specdet.spec.elsewhere import known_at, taken_by

        names = [*attrs.fields_dict(kind), *(self.known.language_keys if not self.path else ())]
        hint = near = suggestion(key, names)
        if foreign := self.known.hint_of(key):
            hint = f": {foreign}"
        elif "did you mean" not in near:
            siblings = taken_by(key, self.registry(family)) if family else ""
            hint = siblings or (known_at(key, self.target, self.registry) if self.target else "") or near
        name = tag or (f"[{dotted(self.path)}]" if self.path else "a spec")
        with self.at(key):
            self.wrong(f"{name} has no such key{hint}", at="key")

    def given(self, value: Any, attribute: attrs.Attribute, made: Spec) -> Any:
        """What the table says of a field."""
        target = value.get("ref") if isinstance(value, Mapping) and value.keys() == {"ref"} else None
        if target is None:
            return self.field(value, attribute)
        if not meta_of(attribute).reference:
            return self.wrong("a reference is not taken here: write the value itself")
        try:
            path = undotted(plain(target)) if isinstance(plain(target), str) else ()
        except ValueError:
            path = ()
        if not path:
            return self.wrong(
                f'expected the path of another value, as in {{ ref = "data.train" }}, got {shown(target)}'
            )
        self.references.add(made, attribute, path=self.path, target=path)
        return INVALID  # until it is filled in

    def absent(self, attribute: attrs.Attribute, made: Spec) -> Any:
        """What a field is that the table does not name."""
        meta = meta_of(attribute)
        default: Any = attribute.default
        if meta.family and meta.default_table is not None:
            return self.field(dict(meta.default_table), attribute)
        if default is attrs.NOTHING:
            return INVALID if self.partial else self.wrong(f"is missing: {meta.help}", at="key")
        if not isinstance(default, FACTORY):
            return default
        try:
            make = default.factory
            return guarded(type(made), lambda: make(made) if default.takes_self else make())
        except Unsound:
            return INVALID
        except SpecError as error:
            return self.wrong(error.problems[0].message)

    def field(self, value: Any, attribute: attrs.Attribute) -> Any:
        """A value as the field's type, within its range."""
        meta = meta_of(attribute)
        if meta.family:
            return self.component(value, attribute.type, meta)
        if meta.relative_to:
            return self.rooted_path(value, attribute.type, meta.relative_to)
        found = self.value(value, attribute.type)
        outside = [] if found is INVALID else list(range_problems(meta, plain(value)))  # as it was written
        for path, text in outside:
            with self.along(path):
                self.wrong(text)
        return INVALID if outside else found

    def component(self, value: Any, kind: Any, meta: Meta) -> Any:
        """One component, a list of them, or a keyed table of them: whichever of these the annotation allows."""
        if isinstance(value, Spec) or (value is None and allows(kind, NoneType)):
            return value
        value = plain(value)
        default = meta.default_table or {}
        if isinstance(value, list | tuple) and allows(kind, tuple):
            return self.each_item(value, meta)
        if not isinstance(value, Mapping):
            if not allows(kind, Spec):
                return self.wrong(f"expected tables under names, as in [{dotted(self.path)}.NAME], got {shown(value)}")
            tags = ", ".join(self.registry(meta.family).tags)
            return self.wrong(f"expected a table with a type (one of {tags}), got {shown(value)}")
        if allows(kind, Spec) and ("type" in value or "type" in default):
            return self.one(value if self.partial else merge(default, value), meta.family)
        if allows(kind, dict) and all(self.is_entry(*entry) for entry in value.items()):
            return self.each_key(value, lambda item: self.one(item, meta.family))
        if not allows(kind, Spec):
            return self.unkeyed(value, meta.family)
        return self.one(value, meta.family)

    def unkeyed(self, table: Mapping[str, Any], family: str) -> Any:
        """The problems of a table of keyed components that holds something else."""
        for key, item in table.items():
            if not self.is_entry(key, item):
                with self.at(key):
                    if isinstance(item, Mapping) and item.keys() == {"ref"}:
                        self.wrong("a reference is not taken here: write the table itself")
                    elif key in ("type", ORDER) and isinstance(item, Mapping):
                        self.wrong(f"'{key}' means something else here: choose another name", at="key")
                    elif key == "type":
                        self.wrong(
                            f"several can stand here, each under a name: say [{dotted(self.path[:-1])}.NAME]", at="key"
                        )
                    else:
                        self.wrong(f"expected a table with a type, the {family} called '{key}', got {shown(item)}")
        return INVALID

    def is_entry(self, key: str, item: Any) -> bool:
        """Whether a key of a keyed table holds a component, or the order of them."""
        if key == ORDER:
            return isinstance(plain(item), list)
        return isinstance(item, Spec) or (isinstance(item, Mapping) and item.keys() != {"ref"} and key != "type")

    def each_key(self, table: Any, rule: Callable[[Any], Any]) -> Any:
        """A keyed table; one of specs may say the `order` of its keys."""
        order = plain(table.get(ORDER)) if isinstance(table, Mapping) else None
        others = [item for key, item in table.items() if key != ORDER] if isinstance(table, Mapping) else []
        if not isinstance(order, list) or not all(isinstance(item, Mapping | Spec) for item in others):
            return super().each_key(table, rule)
        rest = {key: item for key, item in table.items() if key != ORDER}
        found = super().each_key(rest, rule)
        mark = len(self.problems)
        for index, name in enumerate(order):
            with self.along((ORDER, str(index))):
                if self.partial and isinstance(name, str):
                    continue  # what it names may stand elsewhere
                if not isinstance(name, str) or name not in rest:
                    hint = suggestion(name, rest) if isinstance(name, str) else ""
                    self.wrong(f"names nothing in this table: {shown(name)}{hint}")
                elif name in order[:index]:
                    self.wrong(f"{shown(name)} is named twice")
        if found is INVALID or len(self.problems) > mark or self.partial:
            return INVALID
        return {**{name: found[name] for name in order}, **found}

    def each_item(self, items: list[Any] | tuple[Any, ...], meta: Meta) -> Any:
        """A list of components."""
        found = []
        for index, item in enumerate(items):
            with self.at(str(index)):
                found.append(self.one(item, meta.family))
        return INVALID if any(item is INVALID for item in found) else tuple(found)

    def one(self, table: Any, family: str) -> Any:
        """One component: its `type` names the spec class of the rest."""
        if isinstance(table, Spec):
            return table
        if not isinstance(table, Mapping):
            return self.expected(dict, table)
        registry = self.registry(family)
        tag = plain(table.get("type"))
        if tag is None and self.partial:
            return self.untyped(table, registry)
        with self.at("type"):
            if tag is None:
                return self.wrong(f"is missing: which {family} it is (known: {', '.join(registry.tags)})", at="key")
            if isinstance(tag, type) and issubclass(tag, Spec):
                target, tag = tag, tag.__name__
            elif isinstance(tag, type):
                return self.wrong(f"must be a spec class, a subclass of specdet.spec.Spec, got {tag.__name__}")
            elif not isinstance(tag, str):
                return self.expected(str, tag)
            elif tag.partition(":")[0] in self.known.unread and ":" in tag:
                return INVALID
            else:
                try:
                    target = registry.get(tag)
                except UnknownTag as error:
                    return self.wrong(str(error))
        return self.spec(table, target, tag=tag, family=family)

    def untyped(self, table: Mapping[str, Any], registry: Registry) -> Any:
        """A part of a component whose type is said elsewhere: right if some type of the family takes each key."""
        kinds = [attrs.fields_dict(registry.get(tag)) for tag in registry.tags]
        for key, value in table.items():
            takers = [kind[key] for kind in kinds if key in kind]
            with self.at(key):
                if not takers:
                    names = {name for kind in kinds for name in kind}
                    self.wrong(f"no {registry.family} has such a key{suggestion(key, names)}", at="key")
                    continue
                tries = [self.attempt(bound(self.field, value, taker))[1] for taker in takers]
                if all(tries):
                    self.problems += tries[0]
        return INVALID

    def registry(self, family: str) -> Registry:
        """The tags of a family, plugins included."""
        return Registry(family, components=self.known.components)
