"""Paths of values in a spec: the keys that lead to one, in TOML's own spelling where they are shown or typed."""

import re
from collections.abc import Iterable

import tomli

SpecPath = tuple[str, ...]  # an item of an array is its index in decimal: ("sizes", "0")

BARE = re.compile(r"[A-Za-z0-9_-]+")
SENTINEL = "the value of a key that is only asked for its parts"


def dotted(path: Iterable[str]) -> str:
    """`a.b."c.d"`: the keys joined by dots, quoted where TOML would not take them bare."""
    return ".".join(key if BARE.fullmatch(key) else _quoted(key) for key in path)


def undotted(text: str) -> SpecPath:
    """The keys of a dotted path.

    Raises:
        ValueError: Where TOML would not take the text as a key.
    """
    keys: list[str] = []
    if text.isprintable():
        try:
            value = tomli.loads(f"{text} = {SENTINEL!r}")
        except (tomli.TOMLDecodeError, RecursionError):
            value = {}
        while isinstance(value, dict) and len(value) == 1:
            ((key, value),) = value.items()
            keys.append(key)
        if value == SENTINEL:
            return tuple(keys)
    raise ValueError("expected keys joined by dots, as in optimizer.lr; other signs want quotes: a.'b c'")


def _quoted(key: str) -> str:
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(each if each.isprintable() else escape(each) for each in escaped) + '"'


def escape(character: str) -> str:
    """A character as TOML writes it where it cannot be written itself."""
    code = ord(character)
    return f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"
