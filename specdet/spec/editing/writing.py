"""Ways of writing an edit into a TOML text, the one that a person would choose first.

Each way changes nothing but the characters that it must. TOML has many rules about what may stand where, so whether a
way says what it should is for the caller to find out by reading it. A way may be wrong, as long as another is right.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from specdet.spec.editing.cutting import BLANK_LINES, Splice, cuts, parts_of
from specdet.spec.layout import Container, Item, Layout, Section, Value
from specdet.spec.paths import SpecPath, dotted
from specdet.spec.values import value_text

SHORT = 60  # characters of a table that may stand on the line of its key


@attrs.frozen(kw_only=True)
class Written:
    """A value as it is to be written: by its meaning, or as the text that it had elsewhere, with its comment."""

    value: Any
    text: str = ""
    comment: str = ""


class Writer:
    """The ways of changing one text.

    Args:
        text: Valid TOML.
        tree: What it says.
        original: What it was before a first step: says how lines end, and whether the last one does.
    """

    def __init__(self, text: str, tree: Any, *, original: str | None = None):
        self.text = text
        self.tree = tree
        self.layout = Layout(text)
        original = text if original is None else original
        self.newline = "\r\n" if 2 * original.count("\r\n") > original.count("\n") else "\n"
        self.ended = not original or original.endswith("\n")

    def replacing(self, path: SpecPath, value: Any, *, spelling: str = "") -> Iterator[str]:
        """The value at `path` becomes another, in its place; `spelling` is how to write it, if it can be."""
        item = self.layout.item(path)
        if item is not None:
            old = self.text[item.value.start : item.end]
            spellings = [spelling] if spelling else []
            for new in (*spellings, self.value(value, like=old), self.value(value)):
                yield self.spliced([Splice(item.value.start, item.end, new), *self._aligned(item, len(new))])
            return
        (container, first), *others = parts_of(self.layout, path)
        rest = cuts(self.layout, others)
        if isinstance(first, Item):
            key = dotted(path[len(container.path) :])
            yield self.spliced([*rest, Splice(first.start, first.end, f"{key} = {self.value(value, one_line=True)}")])
        elif isinstance(value, dict):
            many = isinstance(self.at(path[:-1]), list)
            block = self.newline.join(self._block(self._names(path), value, many=many))
            start = self.layout.line_start(first.start)
            end = self.layout.line_end(first.end)
            yield self.spliced([*rest, Splice(start, end, block + self.newline)])

    def adding(self, path: SpecPath, written: Written) -> Iterator[str]:
        """`path`, which is not there yet, gets a value."""
        known = self.known(path)
        parent, rest = path[:known], path[known:]
        home = next((each for each in self.layout.containers() if each.path == parent), None)
        if isinstance(home, Value):
            yield from self._items(home, rest, written)
        elif isinstance(self.at(parent), list):
            yield self.new_section(path[: known + 1], _nested(rest[1:], written.value), many=True)
        else:
            lines = list(self._lines(parent, rest, written, home))
            headers = list(self._headers(path, written))
            first, second = (headers, lines) if self._wants_header(parent, rest, written, home) else (lines, headers)
            yield from (*first, *second)

    def removing(self, path: SpecPath) -> Iterator[str]:
        """Everything that is said at and below `path` goes, each pair with the comment on its line."""
        parts = parts_of(self.layout, path)
        yield self.spliced(cuts(self.layout, parts))
        first = parts[0][1]
        if isinstance(first, Section) and len(path) > 1:  # which was what put the table around it in its place
            header = f"[{dotted(self._names(path[:-1]))}]{self.newline}"
            start, end = self.layout.line_start(first.start), self.layout.body_end(first)
            yield self.spliced([Splice(start, end, header), *cuts(self.layout, parts[1:])])

    def renaming(self, path: SpecPath, to: SpecPath) -> Iterator[str]:
        """The keys that lead to `path` become those of `to`, wherever they stand."""
        splices = []
        for container, part in parts_of(self.layout, path):
            depth = 0 if isinstance(part, Section) else len(container.path)
            above = [key for key in part.keys if key.depth < len(path)]
            if path[:-1] == to[:-1]:
                splices.append(Splice(above[-1].start, above[-1].end, dotted(to[-1:])))
            elif path[:depth] == to[:depth] and len(above) == len(path) - depth:
                splices.append(Splice(above[0].start, above[-1].end, dotted(to[depth:])))
            else:
                return  # out of its table, or through an array of tables
        yield self.spliced(splices)

    # What there is

    def at(self, path: SpecPath) -> Any:
        """The value at a path that exists."""
        value: Any = self.tree
        for key in path:
            value = value[int(key)] if isinstance(value, list) else value[key]
        return value

    def known(self, path: SpecPath) -> int:
        """How many of the keys lead to something that is there."""
        value: Any = self.tree
        for index, key in enumerate(path):
            if isinstance(value, list):
                if int(key) >= len(value):
                    return index
                value = value[int(key)]
            elif key not in value:
                return index
            else:
                value = value[key]
        return len(path)

    def spliced(self, splices: Iterable[Splice]) -> str:
        """The text with some stretches replaced; it ends in a newline if it did before."""
        text = self.text
        for splice in sorted(splices, reverse=True):
            text = text[: splice.start] + splice.text + text[splice.end :]
        if self.ended and text and not text.endswith("\n"):
            return text + self.newline
        return text if self.ended else text.rstrip("\r\n")

    def value(self, value: Any, *, like: str = "", one_line: bool = False) -> str:
        """The value as text with the file's ends of lines."""
        return value_text(value, like=like, newline=self.newline, one_line=one_line)

    def _aligned(self, item: Item, length: int) -> Iterator[Splice]:
        """What leaves the comment behind a value of a new length in its column, if it was set off from it."""
        comment = self.layout.comment_after(item.end)
        gap = len(comment) - len(comment.lstrip(" "))
        if gap > 1 and comment[gap:]:
            yield Splice(item.end, item.end + gap, " " * max(1, gap + item.end - item.value.start - length))

    # Lines of a section

    def _lines(self, parent: SpecPath, rest: SpecPath, written: Written, home: Container | None) -> Iterator[str]:
        for container, siblings in self._dotted(parent):
            keys = (*parent[len(container.path) :], *rest)
            if isinstance(container, Value):
                yield from self._items(container, keys, written)
            else:
                yield self._line(container, keys, written, after=siblings[-1])
        if isinstance(home, Section):
            yield self._line(home, rest, written)
        for size in reversed(range(len(parent))):
            section = self.layout.section(parent[:size])
            if section is not None:
                yield self._line(section, (*parent[size:], *rest), written)

    def _dotted(self, parent: SpecPath) -> list[tuple[Container, list[Item]]]:
        """Where `parent` is a table because dotted keys go through it."""
        found = []
        for container in self.layout.containers():
            if len(container.path) < len(parent):
                items = [each for each in container.items if each.path != parent and each.path[: len(parent)] == parent]
                found += [(container, items)] * bool(items)
        return found

    def _line(self, section: Section, keys: SpecPath, written: Written, *, after: Item | None = None) -> str:
        """A new line in a section: below a pair, else below the last one, in the style of that."""
        text = written.text or self.value(written.value)
        if not section.items:
            return self._first_line(section, f"{dotted(keys)} = {text}{written.comment}")
        near = after or section.items[-1]
        indent = self.text[self.layout.line_start(near.start) : near.start]
        between = self.text[near.keys[-1].end : near.value.start]
        equals = between if between == "=" else " = "
        return self._inserted(self.layout.line_end(near.end), f"{indent}{dotted(keys)}{equals}{text}{written.comment}")

    def _first_line(self, section: Section, line: str) -> str:
        if section.keys:
            return self._inserted(self.layout.line_end(section.header_end), line)
        if len(self.layout.sections) == 1:
            return self._inserted(len(self.text), line)
        first = self.layout.sections[1]
        start = self.layout.lead_start(first)
        at = start or self.layout.line_start(first.start)  # a comment at the very top is about the file
        return self._inserted(at, line, "")

    def _inserted(self, at: int, *lines: str) -> str:
        """Whole lines in front of the line that starts at `at`."""
        block = "".join(line + self.newline for line in lines)
        open_end = at == len(self.text) and self.text and not self.text.endswith("\n")
        return self.spliced([Splice(at, at, self.newline + block if open_end else block)])

    # Headers

    def _wants_header(self, parent: SpecPath, rest: SpecPath, written: Written, home: Container | None) -> bool:
        """Whether a person would rather start a table of its own than write a line, as far as the file shows."""
        table = isinstance(written.value, dict)
        if self._dotted(parent):
            return False
        if home is None or not (table or len(rest) > 1):
            return home is None
        size = len(parent)
        if any(each.path[:size] == parent and len(each.path) > size for each in self.layout.sections):
            return True
        if any(item.value.kind == "table" or len(item.path) > size + 1 for item in home.items):
            return False
        return not parent or (table and len(self.value(written.value, one_line=True)) > SHORT)

    def _headers(self, path: SpecPath, written: Written) -> Iterator[str]:
        known = self.known(path)
        ways = list(self._headers_around(path, known, written))
        if isinstance(written.value, dict) and not written.text:
            own = self.new_section(path, written.value)
            short = len(path) > known + 1 and len(self.value(written.value, one_line=True)) <= SHORT
            ways = [*ways, own] if short else [own, *ways]
        yield from ways

    def _headers_around(self, path: SpecPath, known: int, written: Written) -> Iterator[str]:
        """A new table that holds the value, with a header as deep as the others, and the rest of the path in dots."""
        lengths = [len(each.path) for each in self.layout.sections if each.path[:known] == path[:known]]
        usual = min(max([known, *lengths]), known + 1)
        for size in sorted(range(max(known, 1), len(path)), key=lambda size: (size != usual, -size)):
            line = f"{dotted(path[size:])} = {written.text or self.value(written.value)}{written.comment}"
            yield self._placed(path[:size], [f"[{dotted(self._names(path[:size]))}]", line])

    def new_section(self, path: SpecPath, value: Any, *, many: bool = False) -> str:
        """The text with a table of its own at `path`."""
        block = self._block(self._names(path), value, many=many) if isinstance(value, dict) else []
        return self._placed(path, block)

    def _block(
        self, names: SpecPath, value: Mapping[str, Any], *, many: bool = False, inner: bool = False
    ) -> list[str]:
        """The lines of a table with a header; a table of tables alone becomes one for each."""
        if many:
            return [f"[[{dotted(names)}]]", *self._pairs(value)]
        outer = not inner or len(self.value(value, one_line=True)) > SHORT
        if value and outer and all(isinstance(each, dict) for each in value.values()):
            blocks = [self._block((*names, key), each, inner=True) for key, each in value.items()]
            return [line for index, block in enumerate(blocks) for line in ([""] * bool(index) + block)]
        return [f"[{dotted(names)}]", *self._pairs(value)]

    def _pairs(self, value: Mapping[str, Any]) -> list[str]:
        return [f"{dotted((key,))} = {self.value(each)}" for key, each in value.items()]

    def _names(self, path: SpecPath) -> SpecPath:
        """The keys of a header for `path`: indices of arrays of tables are not said."""
        names, value = [], self.tree
        for key in path:
            if isinstance(value, list):
                value = value[int(key)] if int(key) < len(value) else None
            else:
                names.append(key)
                value = value.get(key) if isinstance(value, Mapping) else None
        return tuple(names)

    def _placed(self, path: SpecPath, block: Sequence[str]) -> str:
        """The text with a new table: before what lies in it, else behind its nearest relatives, else at the end."""
        sections = [section for section in self.layout.sections if section.keys]
        gap = [""] * (len(sections) < 2 or any(self._follows_blank(section) for section in sections))
        inner = next((section for section in sections if section.path[: len(path)] == path), None)
        if inner is not None:
            return self._inserted(self.layout.lead_start(inner), *block, *gap)
        for size in reversed(range(1, len(path) + 1)):
            related = [section for section in sections if section.path[:size] == path[:size]]
            if related:
                at = self.layout.body_end(related[-1])
                follows = at < len(self.text) and not self.layout.is_blank(at)
                return self._inserted(at, *gap, *block, *(gap * follows))
        blank = not self.text.strip() or BLANK_LINES.search(self.text) is not None
        return self._inserted(len(self.text), *([] if blank else gap), *block)

    def _follows_blank(self, section: Section) -> bool:
        start = self.layout.lead_start(section)
        return start > 0 and self.layout.is_blank(self.layout.line_start(start - 1))

    # Items of arrays and inline tables

    def _items(self, home: Value, rest: SpecPath, written: Written) -> Iterator[str]:
        """A new last item, in the style of the others."""
        if home.kind == "array":
            yield self._item(home, self.value(_nested(rest[1:], written.value), one_line=True))
            return
        text = written.text if written.text and "\n" not in written.text else self.value(written.value, one_line=True)
        yield self._item(home, f"{dotted(rest)} = {text}")
        if len(rest) > 1:
            nested = self.value(_nested(rest[1:], written.value), one_line=True)
            yield self._item(home, f"{dotted(rest[:1])} = {nested}")

    def _item(self, home: Value, text: str) -> str:
        if not home.items:
            inside = text if home.kind == "array" else f" {text} "
            return self.spliced([Splice(home.start + 1, home.start + 1, inside)])
        last = home.items[-1]
        before = home.items[-2].end if len(home.items) > 1 else home.start + 1
        own_line = "\n" in self.text[before : last.start]
        line_start = self.layout.line_start(last.start)
        gap = self.newline + self.text[line_start : last.start] if own_line else " "
        at = last.end if last.comma is None else last.comma + 1
        behind = at + len(self.layout.comment_after(at)) if own_line else at
        if last.comma is not None:
            return self.spliced([Splice(behind, behind, f"{gap}{text},")])
        if behind == at:
            return self.spliced([Splice(at, at, f",{gap}{text}")])
        return self.spliced([Splice(at, at, ","), Splice(behind, behind, f"{gap}{text}")])


def _nested(keys: SpecPath, value: Any) -> Any:
    """Tables around a value."""
    for key in reversed(keys):
        value = {key: value}
    return value
