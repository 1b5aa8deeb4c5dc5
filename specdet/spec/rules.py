"""The rules for plain values, one a kind of type: strict, and each problem is written down rather than raised.

cattrs chooses the rule for each type; the rules are ours, since its own coerce ("0.1" -> 0.1, 2.7 -> 2, True -> 1) and
stop at the first error of an object.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import cattrs

from specdet.registry import suggestion
from specdet.spec.argument import Argument, plain
from specdet.spec.merge import lookup
from specdet.spec.origin import NOWHERE, Origin
from specdet.spec.paths import SpecPath, dotted
from specdet.spec.problems import Problem
from specdet.spec.published import FORM, Published
from specdet.spec.secret import HOW, NAME, Secret
from specdet.spec.words import describe, shown

INVALID: Any = object()  # what a rule gives for a value whose problem it has written down
PLACEHOLDER = re.compile(r"\$\{|\$[A-Za-z_]\w*(?:/|$)|\{\{")  # as shells and other config systems fill in
Origins = Mapping[SpecPath, Origin]


class ValueRules:
    """One pass over one tree: the path it stands at, and the problems found so far.

    Args:
        tree: The whole table, which relative paths may look up.
        origins: Where each value was written; with it, relative paths start from the file that wrote them.
    """

    def __init__(self, tree: Mapping[str, Any], origins: Origins | None):
        self.tree = tree
        self.origins = origins
        self.path: SpecPath = ()
        self.problems: list[Problem] = []
        self.converter = cattrs.BaseConverter()
        self.add_rule(lambda kind: get_origin(kind) is Literal, self.choice)
        self.add_rule(lambda kind: get_origin(kind) in (Union, UnionType), self.union)
        self.add_rule(lambda kind: get_origin(kind) is tuple, self.array)
        self.add_rule(lambda kind: get_origin(kind) is dict, self.keyed)
        for kind in (bool, int, float, str):
            self.converter.register_structure_hook(kind, self.scalar)
        self.converter.register_structure_hook(Path, self.file_path)
        self.converter.register_structure_hook(Secret, self.secret)
        self.converter.register_structure_hook(Published, self.published)

    def add_rule(self, applies: Callable[[Any], bool], rule: Callable[[Any, Any], Any]) -> None:
        """Use `rule(value, kind)` for the kinds that `applies` holds for."""
        self.converter.register_structure_hook_func(applies, rule)

    # -- where we are and what was wrong there

    @contextmanager
    def along(self, path: SpecPath) -> Iterator[None]:
        """Go down some keys for a while."""
        here, self.path = self.path, (*self.path, *path)
        try:
            yield
        finally:
            self.path = here

    def at(self, key: str) -> AbstractContextManager[None]:
        """Go down one key for a while."""
        return self.along((key,))

    @property
    def folder(self) -> Path:
        """What a relative path at this place is relative to."""
        for length in range(len(self.path), 0, -1):
            if self.path[:length] in (self.origins or {}):
                return (self.origins or {})[self.path[:length]].folder
        return NOWHERE.folder

    def wrong(self, message: str, *, at: Literal["value", "key"] = "value", secret: bool = False) -> Any:
        """Write a problem down; gives INVALID."""
        self.problems.append(Problem(path=dotted(self.path), message=message, at=at, secret=secret))
        return INVALID

    def expected(self, kind: Any, value: Any) -> Any:
        """The problem of a value that is of another kind."""
        return self.wrong(f"expected {describe(kind)}, got {shown(value)}")

    # -- rules

    def value(self, value: Any, kind: Any) -> Any:
        """The value as `kind`, or INVALID."""
        return self.converter.structure(value, kind)

    def scalar(self, value: Any, kind: Any) -> Any:
        """A switch, a number or a text. An int is a fine float; nothing else is another."""
        if isinstance(value, Argument):
            value = value.text if kind is str and not isinstance(value.value, str) else value.value
        if type(value) is int and kind in (int, float) and not -(2**63) <= value < 2**63:
            return self.wrong("is a number of more than 64 bits")
        if kind is float and type(value) is int:
            return float(value)
        if type(value) is str and not value.isascii() and any("\ud800" <= each <= "\udfff" for each in value):
            return self.wrong("holds half a character, which no file can")
        return value if type(value) is kind else self.expected(kind, value)

    def file_path(self, value: Any, kind: Any) -> Any:
        """A path; absolute once it is known which file wrote it."""
        if isinstance(value, Path):
            return value
        text = self.scalar(value, str) if isinstance(value, Argument) else value
        if not isinstance(text, str) or not text:
            return self.expected(kind, value)
        if "\0" in text:
            return self.wrong("a path cannot hold the character NUL")
        if PLACEHOLDER.search(text):
            return self.wrong("nothing is put into a path: write it out, relative to this file or to data.root")
        if self.origins is None:
            return Path(text)
        try:
            return Path(os.path.normpath(self.folder / Path(text).expanduser()))
        except RuntimeError:
            return self.wrong(f"nobody here has the home folder of {shown(text)}")

    def rooted_path(self, value: Any, kind: Any, root_path: str) -> Any:
        """A path that starts from another one of the spec, where that one is given."""
        parts = tuple(root_path.split("."))
        root = lookup(self.tree, parts)
        found = self.value(value, kind)
        if root is None or self.origins is None or not isinstance(found, Path) or isinstance(value, Path):
            return found
        here, self.path = self.path, parts
        folder, _ = self.attempt(lambda: self.file_path(root, Path))  # a bad root is told where it stands, once
        self.path = here
        if not isinstance(folder, Path):
            return found
        text = value.text if isinstance(value, Argument) and not isinstance(value.value, str) else plain(value)
        return Path(os.path.normpath(folder / Path(text).expanduser()))

    def published(self, value: Any, kind: Any) -> Any:
        """An address, or a name under which weights are published."""
        text = value.text if isinstance(value, Argument) and not isinstance(value.value, str) else plain(value)
        return Published(text) if isinstance(text, str) and FORM.fullmatch(text) else self.expected(kind, value)

    def secret(self, value: Any, _: Any) -> Any:
        """The name of what is not written here; a message never repeats what was."""
        value = plain(value)
        if isinstance(value, Secret):
            return value
        name = plain(value["env"]) if isinstance(value, Mapping) and value.keys() == {"env"} else None
        if isinstance(name, str) and NAME.fullmatch(name):
            return Secret(env=name)
        return self.wrong(HOW, secret=True)

    def choice(self, value: Any, kind: Any) -> Any:
        """One of the literal values of the annotation."""
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
        """The first arm that takes the value."""
        arms = [arm for arm in get_args(kind) if arm is not NoneType]
        if value is None and len(arms) < len(get_args(kind)):
            return None
        if len(arms) == 1:
            return self.value(value, arms[0])
        telling: list[Problem] = []  # what an arm says that is more than that the value is another kind of thing
        for arm in arms:
            found, deeper = self.attempt(lambda arm=arm: self.value(value, arm))
            if not deeper:
                return found
            if all(problem.path != dotted(self.path) for problem in deeper):
                self.problems += deeper  # the arm fits, something inside it does not: tell that
                return INVALID
            telling += [problem for problem in deeper if not problem.message.startswith("expected ")]
        if len(telling) == 1:
            self.problems += telling
            return INVALID
        return self.expected(kind, value)

    def attempt(self, rule: Callable[[], Any]) -> tuple[Any, list[Problem]]:
        """What a rule gives, and its problems, which are not written down."""
        mark = len(self.problems)
        found = rule()
        deeper = self.problems[mark:]
        del self.problems[mark:]
        return found, deeper

    def array(self, value: Any, kind: Any) -> Any:
        """A tuple, of one kind of item or of a fixed number of them."""
        items, kinds = plain(value), get_args(kind)
        if not isinstance(items, list | tuple):
            return self.expected(kind, items)
        if kinds[-1] is Ellipsis:
            kinds = (kinds[0],) * len(items)
        elif len(items) != len(kinds):
            return self.wrong(f"expected {describe(kind)}, got {len(items)} item{'s' * (len(items) != 1)}")
        found = []
        for index, (item, item_kind) in enumerate(zip(items, kinds, strict=True)):
            with self.at(str(index)):
                found.append(self.value(item, item_kind))
        return INVALID if any(item is INVALID for item in found) else tuple(found)

    def keyed(self, value: Any, kind: Any) -> Any:
        """A table of values that have keys of the user's choice."""
        _, item_kind = get_args(kind)
        return self.each_key(value, lambda item: self.value(item, item_kind))

    def each_key(self, table: Any, rule: Callable[[Any], Any]) -> Any:
        """A keyed table, each value by `rule`."""
        if not isinstance(table, Mapping):
            return self.expected(dict, table)
        found = {}
        for key, item in table.items():
            with self.at(key):
                found[key] = rule(item)
        return INVALID if any(item is INVALID for item in found.values()) else found
