"""Layout: where everything stands in a valid TOML text, to the character, so that it can be edited."""

import re
from collections.abc import Iterator
from typing import Literal

import attrs
import tomli

from specdet.spec.paths import BARE, SpecPath

BLANK = re.compile(r"(?:[ \t\r\n]++|#[^\n]*+)*")
SPACE = re.compile(r"[ \t]*")
STRING = re.compile(
    r'"""(?:[^"\\]++|\\.|"{1,2}(?!"))*"{3,5}'
    r"|'''(?:[^']++|'{1,2}(?!'))*'{3,5}"
    r'|"(?:[^"\\\n]++|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
SCALAR = re.compile(r"[^\s,#\]}]+(?: \d[^\s,#\]}]*)?")  # a date and its time may be parted by a space
COMMENT_LINE = re.compile(r"[ \t]*#[^\n]*")
BLANK_LINE = re.compile(r"[ \t\r]*\n?")


@attrs.frozen(kw_only=True)
class Key:
    """One part of a (dotted) key; `depth` is its index in the path that it belongs to."""

    name: str
    depth: int
    start: int
    end: int


@attrs.frozen(kw_only=True)
class Value:
    """A value; an array and an inline table hold items."""

    path: SpecPath
    kind: Literal["scalar", "array", "table"]
    start: int
    end: int
    items: tuple["Item", ...] = ()


@attrs.frozen(kw_only=True)
class Item:
    """`key = value` of a section or an inline table, or an item of an array, which has no keys."""

    path: SpecPath
    keys: tuple[Key, ...]
    start: int
    value: Value
    comma: int | None = None  # where the one after it stands

    @property
    def end(self) -> int:
        """Behind the value."""
        return self.value.end


@attrs.frozen(kw_only=True)
class Section:
    """A header and the pairs below it, up to the next one; the pairs before the first header have no `keys`."""

    path: SpecPath
    keys: tuple[Key, ...]
    start: int
    header_end: int
    items: tuple[Item, ...]

    @property
    def end(self) -> int:
        """Behind the last pair, or the header."""
        return self.items[-1].end if self.items else self.header_end


Container = Section | Value


class Layout:
    """The sections of a text, in the order written.

    Args:
        text: Valid TOML without a byte order mark; what is not valid may raise anything.
    """

    def __init__(self, text: str):
        self.text = text
        self.sections = _Reader(text).sections()

    def containers(self) -> Iterator[Container]:
        """Every section, inline table and array, outer ones first."""
        for section in self.sections:
            yield section
            waiting = [*reversed(section.items)]
            while waiting:
                value = waiting.pop().value
                if value.kind != "scalar":
                    yield value
                    waiting += reversed(value.items)

    def section(self, path: SpecPath) -> Section | None:
        """The section whose header names `path`; the one without a header is ()."""
        return next((section for section in self.sections if section.path == path), None)

    def item(self, path: SpecPath) -> Item | None:
        """The pair or array item that gives the whole of `path`."""
        return next((item for each in self.containers() for item in each.items if item.path == path), None)

    def line_start(self, at: int) -> int:
        """Where the line of `at` starts."""
        return self.text.rfind("\n", 0, at) + 1

    def line_end(self, at: int) -> int:
        """Where the line after that of `at` starts."""
        found = self.text.find("\n", at)
        return len(self.text) if found < 0 else found + 1

    def is_blank(self, line_start: int) -> bool:
        """Whether the line that starts there is empty, or there is none."""
        match = BLANK_LINE.match(self.text, line_start)
        return match is not None and (match.end() == len(self.text) or match[0].endswith("\n"))

    def is_comment(self, line_start: int) -> bool:
        """Whether the line that starts there holds a comment alone."""
        return COMMENT_LINE.match(self.text, line_start) is not None

    def comment_after(self, at: int) -> str:
        """The comment between `at` and the end of its line, with the white space before it, or nothing."""
        rest = self.text[at : self.line_end(at)].rstrip("\r\n")
        return rest if rest.lstrip(" \t").startswith("#") else ""

    def lead_start(self, section: Section) -> int:
        """Where the comment directly above a header starts, or the line of the header."""
        start = self.line_start(section.start)
        floor = max((each.end for each in self.sections if each.end < section.start), default=0)
        while start > 0 and (above := self.line_start(start - 1)) >= floor and self.is_comment(above):
            start = above
        return start

    def body_end(self, section: Section) -> int:
        """Behind the last pair's line and the comments directly below it that do not belong to the next header."""
        end = after = self.line_end(section.end)
        while after < len(self.text) and self.is_comment(after):
            after = self.line_end(after)
        return after if self.is_blank(after) else end


class _Reader:
    """Goes through the text once."""

    def __init__(self, text: str):
        self.text = text
        self.at = 0
        self._counts: dict[SpecPath, int] = {}  # items of arrays of tables so far

    def sections(self) -> tuple[Section, ...]:
        found: list[Section] = []
        path, keys, start, header_end = (), (), 0, 0
        items: list[Item] = []
        while True:
            self.skip(BLANK)
            if self.at < len(self.text) and self.text[self.at] != "[":
                items.append(self.pair(path))
                continue
            found.append(Section(path=path, keys=keys, start=start, header_end=header_end, items=tuple(items)))
            if self.at == len(self.text):
                return tuple(found)
            start, items = self.at, []
            path, keys = self.header()
            header_end = self.at

    def header(self) -> tuple[SpecPath, tuple[Key, ...]]:
        """`[a.b]` or `[[a.b]]`; a name of an array of tables means its last item."""
        brackets = 2 if self.text.startswith("[[", self.at) else 1
        self.at += brackets
        written = self.keys(())
        self.at += brackets
        path, keys = (), []
        for key in written:
            keys.append(attrs.evolve(key, depth=len(path)))
            path = (*path, key.name)
            if brackets == 2 and key is written[-1]:
                self._counts[path] = self._counts.get(path, -1) + 1
            if path in self._counts:
                path = (*path, str(self._counts[path]))
        return path, tuple(keys)

    def keys(self, prefix: SpecPath) -> tuple[Key, ...]:
        keys: list[Key] = []
        while True:
            self.skip(SPACE)
            start = self.at
            match = BARE.match(self.text, start) or STRING.match(self.text, start)
            assert match, "a key is bare or quoted"
            self.at = match.end()
            name = match[0] if match[0][0] not in "\"'" else next(iter(tomli.loads(f"{match[0]} = 0")))
            keys.append(Key(name=name, depth=len(prefix) + len(keys), start=start, end=self.at))
            self.skip(SPACE)
            if not self.text.startswith(".", self.at):
                return tuple(keys)
            self.at += 1

    def pair(self, prefix: SpecPath) -> Item:
        keys = self.keys(prefix)
        path = (*prefix, *(key.name for key in keys))
        self.at += 1  # the equals sign
        self.skip(SPACE)
        return Item(path=path, keys=keys, start=keys[0].start, value=self.value(path))

    def value(self, path: SpecPath) -> Value:
        start = self.at
        opening = self.text[start]
        if opening not in "[{":
            match = STRING.match(self.text, start) or SCALAR.match(self.text, start)
            assert match, "a value is a text or has no spaces"
            self.at = match.end()
            return Value(path=path, kind="scalar", start=start, end=self.at)
        items: list[Item] = []
        self.at += 1
        while True:
            self.skip(BLANK)
            if self.text[self.at] in "]}":
                break
            if opening == "{":
                item = self.pair(path)
            else:
                value = self.value((*path, str(len(items))))
                item = Item(path=value.path, keys=(), start=value.start, value=value)
            self.skip(BLANK)
            if self.text[self.at] == ",":
                item = attrs.evolve(item, comma=self.at)
                self.at += 1
            items.append(item)
        self.at += 1
        kind = "table" if opening == "{" else "array"
        return Value(path=path, kind=kind, start=start, end=self.at, items=tuple(items))

    def skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self.text, self.at)
        assert match, "the pattern matches nothing too"
        self.at = match.end()
