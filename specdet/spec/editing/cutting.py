"""Cutting: what takes pairs, tables and items out of a TOML text, with the lines and commas that were theirs."""

import re
from collections.abc import Iterator, Sequence

import attrs

from specdet.spec.layout import Container, Item, Layout, Section, Value
from specdet.spec.paths import SpecPath

BLANK_LINES = re.compile(r"(?:(?<=\n)|\A)(?:[ \t]*\r?\n)+\Z")

Part = tuple[Container, Section | Item]  # a section or item, and what holds it


@attrs.frozen(order=True)
class Splice:
    """`text` instead of what stands from `start` to before `end`."""

    start: int
    end: int
    text: str


def parts_of(layout: Layout, path: SpecPath) -> list[Part]:
    """All that says something at or below `path`, in the order written; nothing lies within another of them."""
    size = len(path)
    found: list[Part] = []
    for container in layout.containers():
        if container.path[:size] != path:
            found += [(container, item) for item in container.items if item.path[:size] == path]
        elif isinstance(container, Section):
            found.append((container, container))
    return found


def cuts(layout: Layout, parts: Sequence[Part]) -> Iterator[Splice]:
    """What takes the parts out; comments on lines of their own stay, except those inside a section that goes."""
    inline: dict[int, tuple[Value, list[Item]]] = {}
    lines: list[tuple[int, int]] = []
    for container, part in parts:
        if isinstance(part, Item) and isinstance(container, Value):
            inline.setdefault(container.start, (container, []))[1].append(part)
            continue
        start = layout.line_start(part.start)
        end = layout.body_end(part) if isinstance(part, Section) else layout.line_end(part.end)
        if lines and lines[-1][1] == start:
            start = lines.pop()[0]
        lines.append((start, end))
    for start, end in lines:
        yield _cut_lines(layout, start, end)
    for container, items in inline.values():
        yield from _cut_items(layout, container, items)


def _cut_lines(layout: Layout, start: int, end: int) -> Splice:
    """Whole lines, with the blank ones above them where blank ones follow too."""
    if layout.is_blank(end):
        above = BLANK_LINES.search(layout.text[:start])
        if above is not None:
            start = above.start()
        while start == 0 and end < len(layout.text) and layout.is_blank(end):
            end = layout.line_end(end)
    return Splice(start, end, "")


def _cut_items(layout: Layout, container: Value, doomed: Sequence[Item]) -> Iterator[Splice]:
    gone = {item.start for item in doomed}
    kept = [item for item in container.items if item.start not in gone]
    if not kept and "\n" not in layout.text[container.start : container.end]:
        yield Splice(container.start + 1, container.end - 1, "")
        return
    last = container.items[-1]
    if kept and last.start in gone and last.comma is None and kept[-1].comma is not None:
        yield Splice(kept[-1].comma, kept[-1].comma + 1, "")
    for item in doomed:
        yield _cut_item(layout, item)


def _cut_item(layout: Layout, item: Item) -> Splice:
    """An item with its comma, and with its line where nothing else stands there."""
    end = item.end if item.comma is None else item.comma + 1
    line_start, line_end = layout.line_start(item.start), layout.line_end(end)
    before, behind = layout.text[line_start : item.start], layout.text[end:line_end]
    if not before.strip() and (not behind.strip() or layout.comment_after(end)):
        return Splice(line_start, line_end, "")
    if item.comma is not None:
        return Splice(item.start, end + len(behind) - len(behind.lstrip(" \t")), "")
    return Splice(item.start - len(before) + len(before.rstrip(" \t")), end, "")
