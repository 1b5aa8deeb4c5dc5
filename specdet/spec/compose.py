"""Composition: one spec file, what it extends, and the command line become one table with the origin of every value."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from specdet.registry import suggestion
from specdet.spec.argument import Argument, plain, split_argument, toml_or_text, turn
from specdet.spec.composed import Composed, Lost
from specdet.spec.merge import changes_type, lookup, merge, walk
from specdet.spec.origin import Origin
from specdet.spec.paths import SpecPath, dotted, undotted
from specdet.spec.problems import Problem
from specdet.spec.read import DEEPEST, read_file
from specdet.spec.shipped import shipped
from specdet.spec.values import value_text
from specdet.spec.version import VERSION

SHIPPED = "specdet:"  # `extends = ["specdet:base/..."]` names a spec that comes with the package
LANGUAGE_KEYS = ("extends", "unset")  # said to compose, not part of the experiment
MOST_FILES = 100  # that a spec extends
Refuse = Callable[[Path], str]  # why a file is not to be opened, or an empty text


def compose(
    path: str | Path,
    overrides: Iterable[str] = (),
    *,
    base: Mapping[str, Any] | None = None,
    text: str | None = None,
    part: bool = False,
    refuse: Refuse | None = None,
) -> Composed:
    """Read `path` with all that it extends, then apply `key=value` and `~key` overrides.

    What is wrong is found in `problems` of the result, so that the caller can go on and find what else is.

    Args:
        path: A file, or `specdet:NAME` for a shipped spec.
        overrides: Command-line arguments: removals are applied first, then changes of a `type`, then the others, so
            that the order in which they are typed does not matter.
        base: Defaults that lie beneath everything (the hooks that every run has); they can be removed like the rest.
        text: What the file is to say instead of what it says on disk: an editor's buffer.
        part: Whether the file is a base for others, and may unset what only they bring.
        refuse: Says why a file may not be extended, where it may not: it is not opened then.
    """
    layers = _Layers(base or {}, part=part, refuse=refuse)
    source = layers.add_reference(path, chain=(), relative_to=Path.cwd(), text=text)
    for argument in sorted(overrides, key=turn):
        layers.add_argument(argument)
    return layers.composed(source)


def locate(path: str | Path, *, relative_to: Path) -> Path:
    """The file that a spec reference means; absolute."""
    if isinstance(path, str) and path.startswith(SHIPPED):
        shipped = (shipped_specs() / path.removeprefix(SHIPPED)).resolve()
        if not shipped.is_relative_to(shipped_specs().resolve()):
            raise ValueError("it leads out of the folder of the shipped specs")
        return shipped_specs() / path.removeprefix(SHIPPED)
    return (relative_to / Path(path).expanduser()).resolve()


def spec_of(path: str) -> str:
    """The spec file of a run, where `path` is the folder of one."""
    inside = Path(path) / "spec.toml"
    return str(inside) if inside.is_file() else path


def shipped_specs() -> Path:
    """The folder of the specs that come with specdet."""
    return shipped("specs")


class _Layers:
    """The table as it grows, layer by layer."""

    def __init__(self, base: Mapping[str, Any], *, part: bool, refuse: Refuse | None):
        self.part, self.refuse = part, refuse
        self.tree: dict[str, Any] = merge({}, base)
        self.origins: dict[SpecPath, Origin] = {}
        self.files: list[Path] = []
        self.texts: dict[Path, str] = {}
        self.lost: list[Lost] = []
        self.problems: list[Problem] = []
        self.complete = True
        self.foreign = False

    def composed(self, source: str) -> Composed:
        """What has come of it."""
        composed = Composed(tree=self.tree, origins=self.origins, source=source, files=self.files, texts=self.texts,
                            lost=self.lost, problems=[], complete=self.complete, foreign=self.foreign)  # fmt: skip
        composed.problems = composed.located(self.problems)
        return composed

    def problem(self, message: str, *, origin: Origin, path: SpecPath = ()) -> None:
        self.problems.append(Problem(path=dotted(path), message=message, origin=origin))

    def unreadable(self, message: str, *, asked_by: Origin, at: SpecPath) -> None:
        """A file that gives nothing: told where it was asked for."""
        self.complete = False
        self.problem(message, origin=asked_by, path=at)

    def add_reference(
        self,
        reference: str | Path,
        *,
        chain: tuple[Path, ...],
        relative_to: Path,
        at: SpecPath = (),
        text: str | None = None,
    ) -> str:
        """Merge the file that a reference at `at` of the last file of the chain means; gives its text."""
        asked_by = Origin(file=chain[-1] if chain else None)
        try:
            file = locate(reference, relative_to=relative_to)
        except (ValueError, RuntimeError) as error:  # a NUL in it, a home folder of nobody
            self.unreadable(f"'{reference}' names no file: {error}", asked_by=asked_by, at=at)
            return ""
        if file in chain:
            ring = " -> ".join(each.name for each in (*chain[chain.index(file) :], file))
            self.unreadable(f"extends itself ({ring})", asked_by=asked_by, at=at)
            return ""
        if file in self.files:  # several bases may have one in common: it lies beneath all of them, once
            return self.texts[file]
        if chain and self.refuse and (why := self.refuse(file)):
            self.unreadable(f"'{reference}' is not opened: {why}", asked_by=asked_by, at=at)
            return ""
        if len(self.files) + len(chain) == MOST_FILES:
            self.unreadable(f"this makes more than {MOST_FILES} files to extend", asked_by=asked_by, at=at)
            return ""
        table = self._read(file, asked_by=asked_by, at=at, text=text)
        self.add_file(table, file=file, chain=chain)
        return self.texts.get(file, "")

    def add_file(self, table: Mapping[str, Any], *, file: Path, chain: tuple[Path, ...]) -> None:
        """Merge what `file` extends, then the file itself."""
        origin = Origin(file=file)
        for index, reference in enumerate(self._texts(table, "extends", origin)):
            self.add_reference(reference, chain=(*chain, file), relative_to=file.parent, at=("extends", str(index)))
        for index, name in enumerate(self._texts(table, "unset", origin)):
            self.remove(name, origin=origin, at=("unset", str(index)))
        own = {key: value for key, value in table.items() if key not in LANGUAGE_KEYS}
        self.add(own, origin=origin)
        self.files.append(file)

    def _read(self, file: Path, *, asked_by: Origin, at: SpecPath, text: str | None) -> dict[str, Any]:
        """The table of a file; one that cannot be opened is told where it was asked for, else by its own name."""
        read = read_file(file, text=text)
        self.texts[file] = read.text
        self.complete &= read.usable
        if read.problem is not None:
            self.problems.append(read.problem)
        elif read.closed and asked_by.file:
            self.problem(f"{file}: {read.closed}{_other_name(file, asked_by.folder)}", origin=asked_by, path=at)
        elif read.closed:
            self.problem(read.closed, origin=Origin(file=file))
        self._check_version(read.table.get("spec"), file)
        return read.table

    def _check_version(self, version: Any, file: Path) -> None:
        if type(version) is not int or version <= 0 or version == VERSION:
            return  # what is no version at all is told by the rules of the root
        todo = "run `specdet upgrade` on it" if version < VERSION else "update specdet"
        self.foreign = True
        said = f"written for version {version} of the language, and this specdet reads version {VERSION}: {todo}"
        self.problem(said, origin=Origin(file=file), path=("spec",))

    def _texts(self, table: Mapping[str, Any], key: str, origin: Origin) -> list[str]:
        value = table.get(key, [])
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return value
        if key == "extends":
            self.complete = False
        self.problem(f'expected an array of texts, as in {key} = ["..."]', origin=origin, path=(key,))
        return []

    def add(self, above: Mapping[str, Any], *, origin: Origin) -> None:
        """Lay a table over what is there."""
        for path, below, type_ in _dropped(self.tree, above):
            old, new = (value_text(plain(each), one_line=True) for each in (below["type"], type_))
            why = f"dropped the block, since type was {old} and is {new} here"
            self._lose(path, below, origin=origin, at=(*path, "type"), why=why)
        below, self.tree = self.tree, merge(self.tree, above)
        for path, value in walk(above):
            kept = path in self.origins and isinstance(value, Mapping) and isinstance(lookup(below, path), Mapping)
            if not kept:
                self.origins[path] = origin
        kept = {path for path, _ in walk(self.tree)}  # a table that a value replaced takes its origins with it
        self.origins = {path: where for path, where in self.origins.items() if path in kept}

    def add_argument(self, argument: str) -> None:
        """Apply one `key=value` or `~key`."""
        origin = Origin(argument=argument or '""')
        removal = argument.startswith("~")
        try:
            path, text = (undotted(argument[1:].strip()), "") if removal else split_argument(argument)
        except ValueError:
            self.problem("expected key=value, or ~key to remove one", origin=origin)
            return
        if path[0] in LANGUAGE_KEYS:
            self.problem(f"'{path[0]}' is said in the file, not on the command line", origin=origin)
        elif removal:
            self.remove(dotted(path), origin=origin)
        elif len(path) > DEEPEST:
            self.problem("has too many keys", origin=origin)
        else:
            above: Any = _value(text)
            for depth, key in reversed(list(enumerate(path))):
                if depth and not isinstance(lookup(self.tree, path[:depth]), Mapping | None):
                    self.problem("holds a value, not a table", origin=origin, path=path[:depth])
                    return
                above = {key: above}
            self.add(above, origin=origin)

    def remove(self, name: str, *, origin: Origin, at: SpecPath = ()) -> None:
        """Take out what a layer below gave; what is not there cannot be removed."""
        try:
            path = undotted(name)
        except ValueError as error:
            self.problem(str(error), origin=origin, path=at)
            return
        table = lookup(self.tree, path[:-1]) if path[:-1] else self.tree
        if not isinstance(table, dict) or path[-1] not in table:
            if self.part and origin.file:
                return
            known = table if isinstance(table, dict) else ()
            message = f"there is no {dotted(path)} to remove{suggestion(path[-1], known)}"
            self.problem(message, origin=origin, path=at or path)
            return
        self._lose(path, table[path[-1]], origin=origin, at=at or path, why="removed it")
        self.tree = _without(self.tree, path)

    def _lose(self, path: SpecPath, value: Any, *, origin: Origin, at: SpecPath, why: str) -> None:
        """Remember what goes, and who let it go."""
        gone = {each: where for each, where in self.origins.items() if each[: len(path)] == path}
        because = Problem(path=dotted(at), message=why, origin=origin)
        self.lost.append(Lost(path=path, value=value, origins=gone, because=because))
        self.origins = {each: where for each, where in self.origins.items() if each not in gone}


def _dropped(
    below: Mapping[str, Any], above: Mapping[str, Any], *, prefix: SpecPath = ()
) -> Iterator[tuple[SpecPath, Mapping[str, Any], Any]]:
    """The tables of `below` that a changed type in `above` drops: path, table, the new type."""
    if changes_type(below, above):
        yield prefix, below, above["type"]
        return
    for key, value in above.items():
        under = below.get(key)
        if isinstance(value, Mapping) and isinstance(under, Mapping):
            yield from _dropped(under, value, prefix=(*prefix, key))


def _other_name(file: Path, folder: Path) -> str:
    """What may have been meant by a file that is not there."""
    if file.with_name(f"{file.name}.toml").is_file():
        return f" (did you mean '{file.name}.toml'?)"
    shipped = shipped_specs() / os.path.relpath(file, folder)
    name = SHIPPED + os.path.relpath(file, folder)
    return f" (did you mean '{name}'?)" if not file.exists() and shipped.is_file() else ""


def _without(tree: Mapping[str, Any], path: SpecPath) -> dict[str, Any]:
    """A copy of `tree` that lacks `path`; the original may be shared with a default."""
    first, *rest = path
    if not rest:
        return {key: value for key, value in tree.items() if key != first}
    return {**tree, first: _without(tree[first], tuple(rest))}


def _value(text: str) -> Any:
    """A command-line value; tables are tables, all else keeps its text beside it."""
    value = toml_or_text(text)
    return value if isinstance(value, dict) else Argument(text, value)
