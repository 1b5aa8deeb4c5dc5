"""Where each key and value of a TOML text stands: tomli says what a text means, tree-sitter where.

Only imported when there is something to point at, since loading tree-sitter takes some milliseconds.
"""

from typing import Literal

import attrs
import tomli
import tree_sitter_toml
from tree_sitter import Language, Node, Parser

from specdet.spec.paths import SpecPath

HEADERS = {"table", "table_array_element"}
KEYS = {"bare_key", "quoted_key", "dotted_key"}
NO_VALUES = KEYS | {"comment", "ERROR"}


@attrs.frozen(kw_only=True)
class Span:
    """A stretch of one line: from `column` to before `end`, counted from 1, in characters."""

    line: int
    column: int
    end: int


@attrs.frozen(kw_only=True)
class Spot:
    """Where a value was written: the last part of its key (or of the header of its table), and itself."""

    key: Span
    value: Span


class Positions:
    """The places of all keys of a text, by path.

    Args:
        text: As it was read; where it is not TOML 1.0, what can be read of it is found.
    """

    def __init__(self, text: str):
        self._lines = text.split("\n")
        self._spots: dict[SpecPath, Spot] = {}
        self._counts: dict[SpecPath, int] = {}
        for node in Parser(Language(tree_sitter_toml.language())).parse(text.encode()).root_node.children:
            self._statement(node)

    def line(self, number: int) -> str:
        """The text of a line, without its end."""
        return self._lines[number - 1].removesuffix("\r") if 0 < number <= len(self._lines) else ""

    def find(self, path: SpecPath, *, at: Literal["key", "value"] = "value") -> Span | None:
        """The place of `path`, else of the nearest table or array around it that the text names, or None."""
        spot = self._spots.get(path)
        if spot is not None:
            return spot.key if at == "key" else spot.value
        for length in range(len(path) - 1, 0, -1):
            if path[:length] in self._spots:
                return self._spots[path[:length]].key
        return None

    def _statement(self, node: Node) -> None:
        if node.type == "pair":
            self._pair(node, ())
        elif node.type in HEADERS:
            key = next((child for child in node.children if child.type in KEYS), None)
            if key is None:
                return
            path = self._header(key, many=node.type == "table_array_element")
            for child in node.children:
                if child.type == "pair":
                    self._pair(child, path)

    def _header(self, key: Node, *, many: bool) -> SpecPath:
        """Note a header; an array of tables counts its items, and headers below one mean its last."""
        path: SpecPath = ()
        parts = _parts(key)
        for index, (name, node) in enumerate(parts):
            path = (*path, name)
            last = index == len(parts) - 1
            span = self._span(node)
            spot = Spot(key=span, value=span)
            self._spots.setdefault(path, spot)
            if last and not many:
                self._spots[path] = spot  # the header of a table rather than one below it that came first
            if last and many:
                self._counts[path] = self._counts.get(path, -1) + 1
            if path in self._counts:
                path = (*path, str(self._counts[path]))
                self._spots.setdefault(path, spot)
        return path

    def _pair(self, pair: Node, prefix: SpecPath) -> None:
        key = next((child for child in pair.children if child.type in KEYS), None)
        values = [child for child in pair.children if child.is_named and child.type not in NO_VALUES]
        path, span = prefix, None
        for name, node in _parts(key) if key is not None else ():
            path, span = (*path, name), self._span(node)
            self._spots.setdefault(path, Spot(key=span, value=span))
        if values and span is not None:
            self._value(values[0], path, span)

    def _value(self, node: Node, path: SpecPath, key: Span) -> None:
        self._spots[path] = Spot(key=key, value=self._span(node))
        if node.type == "inline_table":
            for child in node.children:
                if child.type == "pair":
                    self._pair(child, path)
        elif node.type == "array":
            items = [child for child in node.children if child.is_named and child.type != "comment"]
            for index, item in enumerate(items):
                self._value(item, (*path, str(index)), self._span(item))

    def _span(self, node: Node) -> Span:
        """The node's first line; tree-sitter counts columns in bytes."""
        row, start = node.start_point
        line = self._lines[row]
        encoded = line.encode()
        stop = node.end_point.column if node.end_point.row == row else len(encoded.rstrip())
        column = len(encoded[:start].decode(errors="replace")) + 1
        return Span(line=row + 1, column=column, end=max(column + 1, len(encoded[:stop].decode(errors="replace")) + 1))


def _parts(key: Node) -> list[tuple[str, Node]]:
    """The keys of a (dotted) key, first to last; the grammar nests them to the left."""
    parts: list[tuple[str, Node]] = []
    waiting = [key]
    while waiting:
        node = waiting.pop()
        if node.type == "dotted_key":
            waiting.extend(child for child in node.children if child.type in KEYS)
        else:
            parts.append((_name(node), node))
    return parts[::-1]


def _name(node: Node) -> str:
    text = (node.text or b"").decode(errors="replace")
    if node.type == "bare_key":
        return text
    try:
        ((name, _),) = tomli.loads(f"{text} = 0").items()
    except tomli.TOMLDecodeError:  # pointed into a text that is being typed
        return text
    return name
