"""How one table lies over another."""

from collections.abc import Iterator, Mapping
from typing import Any

from specdet.spec.argument import plain
from specdet.spec.paths import SpecPath


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above` over `below`: tables merge deeply, all else replaces, and a changed `type` drops the table below.

    A block belongs to its type: the keys of an SGD say nothing about an AdamW.
    """
    if changes_type(below, above):
        return dict(above)
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = merge(under, value) if isinstance(under, Mapping) and isinstance(value, Mapping) else value
    return merged


def changes_type(below: Mapping[str, Any], above: Mapping[str, Any]) -> bool:
    """Whether `above` makes another component of the table below."""
    return "type" in above and "type" in below and plain(above["type"]) != plain(below["type"])


def lookup(tree: Mapping[str, Any], path: SpecPath) -> Any:
    """The value at `path`, or None; an item of an array is its index in decimal."""
    value: Any = tree
    for key in path:
        if isinstance(value, list):
            value = {str(index): item for index, item in enumerate(value)}
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
