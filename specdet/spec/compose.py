"""Composition: one spec file, what it extends, and the command line become one table with the origin of every value."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs
import tomli

from specdet.registry import suggestion
from specdet.spec.merge import Argument, Origin, SpecPath, merge, plain, walk
from specdet.spec.problems import Problem, SpecError

SHIPPED = "specdet:"  # `extends = ["specdet:base/..."]` names a spec that comes with the package
LANGUAGE_KEYS = ("extends", "unset")  # said to compose, not part of the experiment


@attrs.define(kw_only=True)
class Composed:
    """A whole spec as one table.

    Attributes:
        tree: The merged table; command-line values are `Argument`s.
        origins: Where each table and value was written; a default has no entry.
        source: The text of the file that was asked for, as its author wrote it.
        files: Every file that was read, the one that was asked for last.
    """

    tree: dict[str, Any]
    origins: dict[SpecPath, Origin]
    source: str
    files: list[Path]


def compose(path: str | Path, overrides: Iterable[str] = (), *, base: Mapping[str, Any] | None = None) -> Composed:
    """Read `path` with all that it extends, then apply `key=value` and `~key` overrides.

    Args:
        path: A file, or `specdet:NAME` for a shipped spec.
        overrides: Command-line arguments, applied in order, except that changes of a `type` come first: so the order in
            which they are typed cannot matter.
        base: Defaults that lie beneath everything (the hooks that every run has); they can be removed like the rest.

    Raises:
        SpecError: With every problem found in any of the files and arguments.
    """
    layers = _Layers(base or {})
    source = layers.add_reference(path, chain=(), relative_to=Path.cwd())
    for argument in sorted(overrides, key=_is_type_change, reverse=True):
        layers.add_argument(argument)
    if layers.problems:
        raise SpecError(layers.problems)
    return Composed(tree=layers.tree, origins=layers.origins, source=source, files=layers.files)


def locate(path: str | Path, *, relative_to: Path) -> Path:
    """The file that a spec reference means; absolute."""
    if isinstance(path, str) and path.startswith(SHIPPED):
        return shipped_specs() / path.removeprefix(SHIPPED)
    return (relative_to / Path(path).expanduser()).resolve()


def shipped_specs() -> Path:
    """The folder of the specs that come with specdet: inside an installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "_shipped" / "specs"
    return installed if installed.is_dir() else package.parent / "specs"


class _Layers:
    """The table as it grows, layer by layer."""

    def __init__(self, base: Mapping[str, Any]):
        self.tree: dict[str, Any] = merge({}, base)
        self.origins: dict[SpecPath, Origin] = {}
        self.files: list[Path] = []
        self.problems: list[Problem] = []

    def problem(self, message: str, *, origin: Origin, path: SpecPath = ()) -> None:
        self.problems.append(Problem(path=".".join(path), message=message, origin=origin.label))

    def add_reference(self, reference: str | Path, *, chain: tuple[Path, ...], relative_to: Path) -> str:
        """Merge the file that a reference means; gives its text."""
        try:
            file = locate(reference, relative_to=relative_to)
        except (ValueError, RuntimeError) as error:  # a NUL in it, a home folder of nobody
            self.problem(
                f"names no file: {error}",
                origin=Origin(file=chain[-1] if chain else None),
                path=("extends",) * bool(chain),
            )
            return ""
        return self.add_file(file, chain=chain)

    def add_file(self, file: Path, *, chain: tuple[Path, ...]) -> str:
        """Merge what `file` extends, then the file itself; gives its text."""
        origin = Origin(file=file)
        if file in chain:
            ring = " -> ".join(each.name for each in (*chain[chain.index(file) :], file))
            self.problem(f"extends itself ({ring})", origin=Origin(file=chain[-1]), path=("extends",))
            return ""
        text, table = self._read(file, asked_by=chain[-1] if chain else None)
        for reference in self._texts(table, "extends", origin):
            self.add_reference(reference, chain=(*chain, file), relative_to=file.parent)
        for name in self._texts(table, "unset", origin):
            self.remove(tuple(name.split(".")), origin=origin)
        own = {key: value for key, value in table.items() if key not in LANGUAGE_KEYS}
        self.add(own, origin=origin)
        self.files.append(file)
        return text

    def _read(self, file: Path, *, asked_by: Path | None) -> tuple[str, dict[str, Any]]:
        origin = Origin(file=file)
        try:
            text = file.read_text(encoding="utf-8-sig")
            return text, tomli.loads(text)
        except FileNotFoundError:
            said = "no such file" + (f" (extended by {asked_by})" if asked_by else "")
        except UnicodeDecodeError as error:
            said = f"not UTF-8 text (byte {error.start})"
        except OSError as error:
            said = f"cannot be read: {error.strerror}"
        except tomli.TOMLDecodeError as error:
            self.problems.append(Problem(path="", message=error.msg, origin=f"{file}:{error.lineno}:{error.colno}"))
            return "", {}
        except RecursionError:
            said = "tables or arrays lie too deeply in one another"
        self.problem(said, origin=origin)
        return "", {}

    def _texts(self, table: Mapping[str, Any], key: str, origin: Origin) -> list[str]:
        value = table.get(key, [])
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return value
        self.problem(f'expected an array of texts, as in {key} = ["..."]', origin=origin, path=(key,))
        return []

    def add(self, above: Mapping[str, Any], *, origin: Origin) -> None:
        """Lay a table over what is there."""
        merged = merge(self.tree, above)
        for path, value in walk(above):
            if not isinstance(value, Mapping) or path not in self.origins:
                self.origins[path] = origin
        kept = {path for path, _ in walk(merged)}  # a dropped block takes its origins with it
        self.origins = {path: where for path, where in self.origins.items() if path in kept}
        self.tree = merged

    def add_argument(self, argument: str) -> None:
        """Apply one `key=value` or `~key`."""
        origin = Origin(argument=argument)
        name, equals, text = argument.partition("=")
        removal = argument.startswith("~")
        path = tuple(name.removeprefix("~").strip().split("."))
        if removal == bool(equals) or not all(path):
            self.problem("expected key=value, or ~key to remove one", origin=origin)
        elif path[0] in LANGUAGE_KEYS:
            self.problem(f"'{path[0]}' is said in the file, not on the command line", origin=origin)
        elif removal:
            self.remove(path, origin=origin)
        else:
            above: Any = _argument_value(text.strip())
            for depth, key in reversed(list(enumerate(path))):
                if depth and not isinstance(self._at(path[:depth]), Mapping | None):
                    self.problem("holds a value, not a table", origin=origin, path=path[:depth])
                    return
                above = {key: above}
            self.add(above, origin=origin)

    def remove(self, path: SpecPath, *, origin: Origin) -> None:
        """Take out what a layer below gave; what is not there cannot be removed."""
        table = self._at(path[:-1])
        if not isinstance(table, dict) or path[-1] not in table:
            known = table if isinstance(table, dict) else ()
            self.problem(f"nothing to remove{suggestion(path[-1], known)}", origin=origin, path=path)
            return
        self.tree = _without(self.tree, path)
        self.origins = {at: where for at, where in self.origins.items() if at[: len(path)] != path}

    def _at(self, path: SpecPath) -> Any:
        value: Any = self.tree
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        return value


def _without(tree: Mapping[str, Any], path: SpecPath) -> dict[str, Any]:
    """A copy of `tree` that lacks `path`; the original may be shared with a default."""
    first, *rest = path
    if not rest:
        return {key: value for key, value in tree.items() if key != first}
    return {**tree, first: _without(tree[first], tuple(rest))}


def _is_type_change(argument: str) -> bool:
    name = argument.partition("=")[0].strip()
    return name == "type" or name.endswith(".type")


def _argument_value(text: str) -> Any:
    """A command-line value as TOML where it is TOML; tables become tables, all else keeps its text beside it."""
    try:
        value = tomli.loads(f"value = {text}")["value"]
    except tomli.TOMLDecodeError:
        value = text
    return value if isinstance(value, dict) else Argument(text, plain(value))
