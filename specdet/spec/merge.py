"""How one table lies over another, and where each value came from."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

SpecPath = tuple[str, ...]


@attrs.frozen(kw_only=True)
class Origin:
    """Where a value was written: in a file, on the command line, or nowhere (a default)."""

    file: Path | None = None
    argument: str = ""

    @property
    def label(self) -> str:
        """What an error message says in front of the path."""
        if self.argument:
            return f"command line: {self.argument}"
        return str(self.file) if self.file else ""

    @property
    def folder(self) -> Path:
        """What a relative path of this origin is relative to."""
        return self.file.parent if self.file else Path.cwd()


@attrs.frozen
class Argument:
    """A command-line value: its text, and what that is as TOML. The field that receives it knows which one is meant."""

    text: str
    value: Any


def plain(value: Any) -> Any:
    """The TOML reading of a value that may have come from the command line."""
    return value.value if isinstance(value, Argument) else value


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above` over `below`: tables merge deeply, all else replaces, and a changed `type` drops the table below.

    A block belongs to its type: the keys of an SGD say nothing about an AdamW.
    """
    if "type" in above and "type" in below and plain(above["type"]) != plain(below["type"]):
        return dict(above)
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = merge(under, value) if isinstance(under, Mapping) and isinstance(value, Mapping) else value
    return merged


def lookup(tree: Mapping[str, Any], path: SpecPath) -> Any:
    """The value at `path`, or None."""
    value: Any = tree
    for key in path:
        if not isinstance(value, Mapping) or key not in value:
            return None
        value = value[key]
    return value


def walk(tree: Mapping[str, Any], *, prefix: SpecPath = ()) -> Iterator[tuple[SpecPath, Any]]:
    """Every key of a tree with its value, tables before what they hold."""
    for key, value in tree.items():
        path = (*prefix, key)
        yield path, value
        if isinstance(value, Mapping):
            yield from walk(value, prefix=path)
