"""Plugins: components from outside of specdet, under a namespace of their own (`"mine:FancyHead"`).

A plugin says `COMPONENTS = {family: {tag: SpecClass}}`. An installed package offers it as an entry point of the
group `specdet.components`, whose name is the namespace. A file is named in a spec, `plugins = ["./mine.py"]`, and its
namespace is the file's name. A file is code from wherever the spec is from: it runs only where the user has trusted its
very bytes (`specdet trust`) or has named it on the command line.
"""

import re
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs

from specdet.registry import COMPONENTS, Components, import_object
from specdet.spec.argument import plain
from specdet.spec.base import Spec
from specdet.spec.problems import Problem, SpecError
from specdet.spec.structure import Known
from specdet.spec.trust import digest_of, trusted

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


def known_components(tree: Mapping[str, Any], files: Sequence[PluginFile], problems: list[Problem]) -> Known:
    """The components that the tags of `tree` may name; what is wrong with a plugin is appended to `problems`.

    Installed plugins are loaded only where a tag names their namespace.
    """
    named = {tag.partition(":")[0] for tag in _tags(tree) if ":" in tag}
    if not named and not files:
        return Known()
    components: dict[str, dict[str, str | type]] = {family: dict(tags) for family, tags in COMPONENTS.items()}
    unread: set[str] = set()
    taken: dict[str, str] = {}
    for file in files:
        try:
            _claim(file.namespace, f"the file {file.path}", taken)
            _add(components, file.namespace, _components_of(_run_trusted(file), file.path))
        except SpecError as error:
            unread.add(file.namespace)
            problems += [attrs.evolve(problem, path=problem.path or file.named_at) for problem in error.problems]
    for entry in _installed() if named else ():
        if entry.name in named:
            try:
                _claim(entry.name, f"the installed {entry.value}", taken)
                _add(components, entry.name, _load(entry))
            except SpecError as error:
                unread.add(entry.name)
                problems += error.problems
    return Known(components=components, unread=unread)


def installed_components() -> Components:
    """What specdet and all installed plugins offer. Raises SpecError for a plugin that cannot be loaded."""
    components: dict[str, dict[str, str | type]] = {family: dict(tags) for family, tags in COMPONENTS.items()}
    taken: dict[str, str] = {}
    for entry in _installed():
        _claim(entry.name, f"the installed {entry.value}", taken)
        _add(components, entry.name, _load(entry))
    return components


def plugin_files(named: Any, *, folder: Path, given: Iterable[str | Path]) -> list[PluginFile]:
    """The files of a spec's `plugins`, relative to `folder`, and those of the command line."""
    texts = named if isinstance(named, list) else []
    theirs = [
        PluginFile(path=(folder / text).resolve(), named_at=f"plugins.{index}", given=False)
        for index, text in enumerate(texts)
        if isinstance(text, str) and text and "\0" not in text
    ]
    ours = [PluginFile(path=Path(each).resolve(), named_at="", given=True) for each in given]
    mine = {each.path for each in ours}
    return [*ours, *(each for each in theirs if each.path not in mine)]


def _claim(namespace: str, owner: str, taken: dict[str, str]) -> None:
    if not NAMESPACE.fullmatch(namespace):
        raise SpecError.one(f"{owner} makes no namespace: a name is letters, digits, - and _, and starts with a letter")
    if namespace in taken:
        raise SpecError.one(f"{owner} and {taken[namespace]} have the same namespace '{namespace}': rename one")
    taken[namespace] = owner


def _run_trusted(file: PluginFile) -> ModuleType:
    """The module of a file that may run; the bytes that are judged are those that run. Raises SpecError."""
    try:
        code = file.path.read_bytes()
    except OSError as error:
        raise SpecError.one(f"the plugin {file.path} cannot be read: {error.strerror}") from error
    digest = digest_of(code)
    if not file.given and digest not in trusted():
        message = (
            f"{file.path} is code, and nothing of it was run, since it is not trusted here: read it, "
            f"then say `specdet trust {file.path}`"
        )
        raise SpecError([Problem(path="", message=message, kind="environment")])
    name = f"specdet_plugin_{file.namespace}_{digest[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    module = ModuleType(name)
    module.__file__ = str(file.path)
    sys.modules[name] = module  # classes in it find themselves by this name
    try:
        exec(compile(code, file.path, "exec"), vars(module))
    except Exception as error:
        del sys.modules[name]
        raise SpecError.one(f"the plugin {file.path} cannot be loaded: {_told(error, file.path)}") from error
    return module


def _told(error: Exception, path: Path) -> str:
    """An error of somebody's code, with the last of its lines that raised it."""
    trace, line = error.__traceback__, getattr(error, "lineno", None)
    while trace is not None:
        line = trace.tb_lineno if trace.tb_frame.f_code.co_filename == str(path) else line
        trace = trace.tb_next
    return f"{type(error).__name__}: {error}" + (f" (line {line})" if line else "")


def _components_of(module: ModuleType, path: Path) -> Any:
    if not hasattr(module, "COMPONENTS"):
        raise SpecError.one(f"the plugin {path} says no COMPONENTS = {{family: {{tag: SpecClass}}}}")
    return module.COMPONENTS


def _installed() -> Iterator[Any]:
    from importlib.metadata import entry_points  # 20 ms, paid by specs that name a plugin

    yield from entry_points(group=GROUP)


def _load(entry: Any) -> Any:
    try:
        return entry.load()
    except Exception as error:
        said = f"the installed plugin '{entry.name}' ({entry.value}) cannot be loaded: {type(error).__name__}: {error}"
        raise SpecError.one(said) from error


def _add(components: dict[str, dict[str, str | type]], namespace: str, offered: Any) -> None:
    """Add what a plugin offers. Raises SpecError where that is not `{family: {tag: SpecClass}}`."""
    if not isinstance(offered, Mapping) or not all(isinstance(tags, Mapping) for tags in offered.values()):
        raise SpecError.one(f"the plugin '{namespace}' offers no {{family: {{tag: SpecClass}}}}")
    for family, tags in offered.items():
        if family not in components:
            raise SpecError.one(f"the plugin '{namespace}' offers '{family}', which is no family of components")
        for tag, place in tags.items():
            full = f"{namespace}:{tag}"
            found = _imported(place, full) if isinstance(place, str) else place
            if not (isinstance(found, type) and issubclass(found, Spec) and "__attrs_attrs__" in vars(found)):
                raise SpecError.one(f"'{full}' is no spec class: it wants @spec and the base class Spec")
            if vars(found).get("plugin_tag", full) != full:
                raise SpecError.one(f"'{full}' is also called '{found.plugin_tag}': give each class one tag")
            found.plugin_tag = full
            components[family][full] = found


def _imported(place: str, tag: str) -> Any:
    try:
        return import_object(place)
    except Exception as error:
        raise SpecError.one(f"'{tag}' cannot be loaded: {type(error).__name__}: {error}") from error


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
