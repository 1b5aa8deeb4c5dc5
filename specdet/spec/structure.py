"""Structuring: a table becomes a tree of spec objects, strictly, and every problem is found in the one pass.

cattrs chooses the rule for each type; the rules are ours, since its own coerce ("0.1" -> 0.1, 2.7 -> 2, True -> 1) and
stop at the first error of an object.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import attrs
import cattrs

from specdet.registry import Registry, UnknownTag, suggestion
from specdet.spec.base import Spec
from specdet.spec.fields import Meta, meta_of, range_problem
from specdet.spec.merge import Argument, Origin, SpecPath, lookup, merge, plain
from specdet.spec.problems import Problem, SpecError

INVALID: Any = object()  # what a rule gives for a value whose problem it has written down
NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "text", Path: "a path (text)"}


def structure(tree: Mapping[str, Any], target: type[Spec], *, origins: Mapping[SpecPath, Origin] | None = None) -> Any:
    """`tree` as an instance of `target`.

    Args:
        tree: A table as `compose` or a Python caller gives it.
        target: The spec class of the whole table.
        origins: Where each value was written. With it, paths become absolute, relative to the file that wrote them.

    Raises:
        SpecError: With all problems of the whole tree.
    """
    return _Structurer(tree, origins).run(lambda each: each.spec(tree, target))


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
    return _Structurer({}, None).run(lambda each: each.component(value, Any, meta))


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


class _Structurer:
    """One pass over one tree: the path it stands at, and the problems found so far."""

    def __init__(self, tree: Mapping[str, Any], origins: Mapping[SpecPath, Origin] | None):
        self.tree = tree
        self.origins = origins
        self.path: SpecPath = ()
        self.problems: list[Problem] = []
        self.converter = converter = cattrs.BaseConverter()
        rules: list[tuple[Callable[[Any], bool], Callable[[Any, Any], Any]]] = [
            (lambda kind: get_origin(kind) is Literal, self.choice),
            (lambda kind: get_origin(kind) in (Union, UnionType), self.union),
            (lambda kind: get_origin(kind) is tuple, self.array),
            (lambda kind: get_origin(kind) is dict, self.keyed),
            (lambda kind: isinstance(kind, type) and issubclass(kind, Spec), self.spec),
        ]
        for applies, rule in rules:
            converter.register_structure_hook_func(applies, rule)
        for kind in (bool, int, float, str):
            converter.register_structure_hook(kind, self.scalar)
        converter.register_structure_hook(Path, self.file_path)

    def run(self, rule: Callable[["_Structurer"], Any]) -> Any:
        result = rule(self)
        if self.problems:
            raise SpecError(self.problems)
        return result

    # -- where we are and what was wrong there

    @contextmanager
    def at(self, key: str) -> Iterator[None]:
        self.path = (*self.path, key)
        try:
            yield
        finally:
            self.path = self.path[:-1]

    @property
    def origin(self) -> Origin:
        """The origin of the value here, else of the nearest table around it."""
        for length in range(len(self.path), 0, -1):
            found = (self.origins or {}).get(self.path[:length])
            if found:
                return found
        return Origin()

    def wrong(self, message: str) -> Any:
        self.problems.append(Problem(path=".".join(self.path), message=message, origin=self.origin.label))
        return INVALID

    def expected(self, kind: Any, value: Any) -> Any:
        return self.wrong(f"expected {describe(kind)}, got {shown(value)}")

    # -- rules, one a kind of type

    def value(self, value: Any, kind: Any) -> Any:
        return self.converter.structure(value, kind)

    def scalar(self, value: Any, kind: Any) -> Any:
        if isinstance(value, Argument):
            value = value.text if kind is str and not isinstance(value.value, str) else value.value
        if kind is float and type(value) is int:
            return float(value)
        return value if type(value) is kind else self.expected(kind, value)

    def file_path(self, value: Any, kind: Any) -> Any:
        if isinstance(value, Path):
            return value
        text = self.scalar(value, str) if isinstance(value, Argument) else value
        if not isinstance(text, str) or not text:
            return self.expected(kind, value)
        return (
            Path(os.path.normpath(self.origin.folder / Path(text).expanduser()))
            if self.origins is not None
            else Path(text)
        )

    def rooted_path(self, value: Any, kind: Any, root_path: str) -> Any:
        """A path that starts from another one of the spec, where that one is given."""
        parts = tuple(root_path.split("."))
        root = lookup(self.tree, parts)
        if root is None or self.origins is None:
            return self.value(value, kind)
        here, self.path = self.path, parts
        mark = len(self.problems)
        folder = self.file_path(root, Path)
        self.path = here
        del self.problems[mark:]  # a bad root is reported where it stands, once
        found = self.value(value, kind)
        text = plain(value)
        return Path(os.path.normpath(folder / text)) if isinstance(found, Path) and isinstance(folder, Path) else found

    def choice(self, value: Any, kind: Any) -> Any:
        options = get_args(kind)
        readings = [value.value, value.text] if isinstance(value, Argument) else [value]
        for reading in readings:
            for option in options:
                if type(reading) is type(option) and reading == option:
                    return option
        value = plain(value)
        hint = suggestion(value, [each for each in options if isinstance(each, str)]) if isinstance(value, str) else ""
        return self.wrong(f"expected {describe(kind)}, got {shown(value)}{hint if 'did you' in hint else ''}")

    def union(self, value: Any, kind: Any) -> Any:
        arms = [arm for arm in get_args(kind) if arm is not NoneType]
        if value is None and len(arms) < len(get_args(kind)):
            return None
        if len(arms) == 1:
            return self.value(value, arms[0])
        mark = len(self.problems)
        for arm in arms:
            found = self.value(value, arm)
            if len(self.problems) == mark:
                return found
            deeper = self.problems[mark:]
            del self.problems[mark:]
            if all(problem.path != ".".join(self.path) for problem in deeper):
                self.problems += deeper  # the arm fits, something inside it does not: say that
                return INVALID
        return self.expected(kind, value)

    def array(self, value: Any, kind: Any) -> Any:
        items, kinds = plain(value), get_args(kind)
        if not isinstance(items, list | tuple):
            return self.expected(kind, items)
        if kinds[-1] is Ellipsis:
            kinds = (kinds[0],) * len(items)
        elif len(items) != len(kinds):
            return self.wrong(f"expected {describe(kind)}, got {len(items)} items")
        found = []
        for index, (item, item_kind) in enumerate(zip(items, kinds, strict=True)):
            with self.at(str(index)):
                found.append(self.value(item, item_kind))
        return INVALID if any(item is INVALID for item in found) else tuple(found)

    def keyed(self, value: Any, kind: Any) -> Any:
        _, item_kind = get_args(kind)
        return self.each_key(value, lambda item: self.value(item, item_kind))

    def each_key(self, table: Any, rule: Callable[[Any], Any]) -> Any:
        if not isinstance(table, Mapping):
            return self.expected(dict, table)
        found = {}
        for key, item in table.items():
            with self.at(key):
                found[key] = rule(item)
        return INVALID if any(item is INVALID for item in found.values()) else found

    def spec(self, table: Any, kind: type[Spec], *, tag: str = "") -> Any:
        """A table as one spec class; all its fields are read, whatever is wrong with the others."""
        if isinstance(table, kind):
            return table
        if not isinstance(table, Mapping):
            return self.expected(dict, table)
        attributes = {attribute.name: attribute for attribute in attrs.fields(kind)}
        mark = len(self.problems)
        for key in table:
            if key not in attributes and not (tag and key == "type"):
                with self.at(key):
                    self.wrong(
                        f"{tag or kind.__name__.removesuffix('Spec')} has no such key{suggestion(key, attributes)}"
                    )
        values = {}
        for name, attribute in attributes.items():
            if name in table:
                with self.at(name):
                    values[name] = self.field(table[name], attribute)
            elif meta_of(attribute).family and meta_of(attribute).default_table is not None:
                with self.at(name):
                    values[name] = self.field(dict(meta_of(attribute).default_table or {}), attribute)
            elif attribute.default is attrs.NOTHING:
                self.wrong(f"missing key '{name}': {meta_of(attribute).help}")
        if len(self.problems) > mark:
            return INVALID
        try:
            return kind(**values)
        except SpecError as error:  # rules between fields
            for problem in error.problems:
                self.problems.append(
                    attrs.evolve(problem.under(".".join(self.path)), origin=self.origin_of(problem.path).label)
                )
            return INVALID

    def origin_of(self, name: str) -> Origin:
        with self.at(name):
            return self.origin

    def field(self, value: Any, attribute: attrs.Attribute) -> Any:
        meta = meta_of(attribute)
        if meta.family:
            return self.component(value, attribute.type, meta)
        if meta.relative_to:
            return self.rooted_path(value, attribute.type, meta.relative_to)
        found = self.value(value, attribute.type)
        text = "" if found is INVALID else range_problem(meta, found)
        return self.wrong(text) if text else found

    def component(self, value: Any, kind: Any, meta: Meta) -> Any:
        """One component, a list of them, or a keyed table of them: whichever of these the annotation allows."""
        if isinstance(value, Spec) or (value is None and _allows(kind, NoneType)):
            return value
        value = plain(value)
        default = meta.default_table or {}
        if isinstance(value, list | tuple) and _allows(kind, tuple):
            return self.each_item(value, meta)
        if not isinstance(value, Mapping):
            return self.wrong(
                f"expected a table with a type (one of {', '.join(Registry(meta.family).tags)}), got {shown(value)}"
            )
        single = _allows(kind, Spec) and ("type" in value or "type" in default)
        if single:
            return self.one(merge(default, value), meta.family)
        if _allows(kind, dict) and all(isinstance(item, Mapping | Spec) for item in value.values()):
            return self.each_key(value, lambda item: item if isinstance(item, Spec) else self.one(item, meta.family))
        return self.one(value, meta.family)

    def each_item(self, items: list[Any] | tuple[Any, ...], meta: Meta) -> Any:
        found = []
        for index, item in enumerate(items):
            with self.at(str(index)):
                found.append(item if isinstance(item, Spec) else self.one(item, meta.family))
        return INVALID if any(item is INVALID for item in found) else tuple(found)

    def one(self, table: Any, family: str) -> Any:
        """One component: its `type` names the spec class of the rest."""
        if not isinstance(table, Mapping):
            return self.expected(dict, table)
        registry = Registry(family)
        tag = plain(table.get("type"))
        if tag is None:
            return self.wrong(f"missing key 'type', which {family} it is (known: {', '.join(registry.tags)})")
        if isinstance(tag, type):
            if issubclass(tag, Spec):
                return self.spec(table, tag, tag=tag.__name__)
            return self.wrong(f"type must be a spec class, a subclass of specdet.spec.Spec, got {tag.__name__}")
        with self.at("type"):
            if not isinstance(tag, str):
                return self.expected(str, tag)
            try:
                target = registry.get(tag)
            except UnknownTag as error:
                return self.wrong(str(error))
        return self.spec(table, target, tag=tag)


def _allows(kind: Any, form: type) -> bool:
    """Whether a component annotation takes `form` (Spec, dict, tuple or NoneType); from Python all forms may come."""
    arms = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    return kind is Any or any((get_origin(arm) or arm) is form for arm in arms)


def describe(kind: Any) -> str:
    """A type in the words of a person who writes specs."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind in NAMES:
        return NAMES[kind]
    if origin is Literal:
        return ("one of " if len(arguments) > 1 else "") + ", ".join(shown(option) for option in arguments)
    if origin in (Union, UnionType):
        return " or ".join(describe(arm) for arm in arguments if arm is not NoneType)
    if origin is tuple and arguments[-1] is Ellipsis:
        return f"an array, each {describe(arguments[0])}"
    if origin is tuple:
        return f"an array of {len(arguments)}: {', '.join(describe(each) for each in arguments)}"
    return "a table"


def shown(value: Any) -> str:
    """A value as a message shows it: in TOML's spelling, shortened."""
    value = plain(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, str):
        return f'"{value if len(value) <= 60 else value[:57] + "..."}"'
    if isinstance(value, list | tuple):
        return "an array" if len(value) > 8 else "[" + ", ".join(shown(each) for each in value) + "]"
    return str(value)
