"""Plugins: components from outside of specdet, under a namespace of their own (`"mine:FancyHead"`).

A plugin says `COMPONENTS = {family: {tag: SpecClass}}`. An installed package offers it as an entry point of the
group `specdet.components`, whose name is the namespace. A file is named in a spec, `plugins = ["./mine.py"]`, and its
namespace is the file's name. A file is code from wherever the spec is from: it runs only where the user has trusted its
very bytes (`specdet trust`) or has named it on the command line.
"""

import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from specdet.registry import COMPONENTS, Components
from specdet.spec.argument import plain
from specdet.spec.origin import NOWHERE, Origin
from specdet.spec.plugin_code import add_offered, components_of_entry, components_of_file
from specdet.spec.problems import Problem, SpecError
from specdet.spec.structure import Known

GROUP = "specdet.components"
NAMESPACE = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


@attrs.frozen(kw_only=True)
class PluginFile:
    """A plugin file that a spec or a command line names."""

    path: Path
    named_at: str  # path in the spec
    given: bool  # on the command line, by the user's own hand

    @property
    def namespace(self) -> str:
        """What stands before the colon in the tags of its components."""
        return self.path.stem

    @property
    def origin(self) -> Origin:
        """Who named it; where the spec did, its path says where."""
        return Origin(argument=f"--plugin {self.path}") if self.given else Origin()


def known_components(tree: Mapping[str, Any], files: Sequence[PluginFile], problems: list[Problem]) -> Known:
    """The components that the tags of `tree` may name; what is wrong with a plugin is appended to `problems`.

    Installed plugins are loaded only where a tag names their namespace.
    """
    named = {tag.partition(":")[0] for tag in _tags(tree) if ":" in tag}
    if not named and not files:
        return Known()
    found = _Plugins()
    for file in files:
        found.add_file(file)
    if named:
        found.add_installed(named)
    problems += found.problems
    return Known(components=found.components, unread=found.unread)


def installed_components(given: Iterable[str | Path] = ()) -> tuple[Components, list[Problem]]:
    """What specdet, given plugin files and all installed plugins offer, and what is wrong with any of those."""
    found = _Plugins()
    for file in plugin_files((), folder=Path(), given=given):
        found.add_file(file)
    found.add_installed(None)
    return found.components, found.problems


def plugin_files(named: Any, *, folder: Path, given: Iterable[str | Path]) -> list[PluginFile]:
    """The files of a spec's `plugins`, relative to `folder`, and those of the command line; each once."""
    texts = [plain(text) for text in named] if isinstance(named, list) else []
    files = [PluginFile(path=Path(os.path.abspath(each)), named_at="", given=True) for each in given]
    for index, text in enumerate(texts):
        if isinstance(text, str) and text and "\0" not in text:
            path = Path(os.path.abspath(folder / os.path.expanduser(text)))
            files.append(PluginFile(path=path, named_at=f"plugins.{index}", given=False))
    return list({file.path: file for file in reversed(files)}.values())[::-1]


class _Plugins:
    """The components as plugins are added, one after the other."""

    def __init__(self) -> None:
        self.components: dict[str, dict[str, str | type]] = {family: dict(tags) for family, tags in COMPONENTS.items()}
        self.unread: set[str] = set()
        self.problems: list[Problem] = []
        self._taken: dict[str, str] = {}

    @contextmanager
    def reading(self, namespace: str, *, path: str = "", origin: Origin = NOWHERE) -> Iterator[None]:
        """Write down what is wrong with a plugin, and go on."""
        try:
            yield
        except SpecError as error:
            self.unread.add(namespace)
            self.problems += [attrs.evolve(each, path=each.path or path, origin=origin) for each in error.problems]

    def claim(self, namespace: str, owner: str) -> None:
        """Take a namespace. Raises SpecError where it is none, or is taken."""
        if not NAMESPACE.fullmatch(namespace):
            rule = "a name is letters, digits, - and _, and starts with a letter"
            raise SpecError.one(f"{owner} makes no namespace: {rule}")
        if namespace in self._taken:
            both = f"{owner} and {self._taken[namespace]}"
            raise SpecError.one(f"{both} have the same namespace '{namespace}': rename one")
        self._taken[namespace] = owner

    def add_file(self, file: PluginFile) -> None:
        """Add a plugin file."""
        with self.reading(file.namespace, path=file.named_at, origin=file.origin):
            self.claim(file.namespace, f"the file {file.path}")
            offered = components_of_file(file.path, namespace=file.namespace, given=file.given)
            add_offered(self.components, file.namespace, offered)

    def add_installed(self, wanted: Collection[str] | None) -> None:
        """Add installed plugins: those of the wanted namespaces, or all."""
        from importlib.metadata import entry_points  # 20 ms, paid by specs that name a plugin

        for entry in entry_points(group=GROUP):
            if wanted is None or entry.name in wanted:
                with self.reading(entry.name):
                    self.claim(entry.name, f"the installed {entry.value}")
                    add_offered(self.components, entry.name, components_of_entry(entry))


def _tags(value: Any) -> Iterator[str]:
    """All texts that a tree gives as `type`."""
    if isinstance(value, Mapping):
        tag = plain(value.get("type"))
        if isinstance(tag, str):
            yield tag
        for inner in value.values():
            yield from _tags(inner)
    elif isinstance(value, Collection) and not isinstance(value, str | bytes):
        for inner in value:
            yield from _tags(inner)
