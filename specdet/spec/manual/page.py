"""Pages that are read on a terminal or as Markdown: headings, paragraphs, facts and tables of keys."""

import re
from collections.abc import Iterator, Sequence
from textwrap import fill

import attrs


@attrs.frozen
class Heading:
    """A title; level 1 is that of the page."""

    level: int
    text: str


@attrs.frozen
class Paragraph:
    """Running text, in which `code` stands in backticks."""

    text: str


@attrs.frozen
class Facts:
    """Names, each with what is said of it; running text too."""

    rows: Sequence[tuple[str, str]]


@attrs.frozen(kw_only=True)
class Key:
    """One key of a table: its default is TOML, unless it is required, or empty where TOML has none."""

    name: str
    type: str
    default: str
    required: bool
    meaning: str


@attrs.frozen
class Keys:
    """The keys of a table."""

    rows: Sequence[Key]


Block = Heading | Paragraph | Facts | Keys
CODE = re.compile(r"(`[^`]*`)")


def as_text(blocks: Sequence[Block], *, width: int = 80) -> str:
    """The page for a terminal of `width` columns; no line is longer, unless a word is."""
    return "\n\n".join("\n".join(_text(block, width)) for block in blocks) + "\n"


def as_markdown(blocks: Sequence[Block]) -> str:
    """The page as GitHub's Markdown."""
    return "\n\n".join("\n".join(_markdown(block)) for block in blocks) + "\n"


def _text(block: Block, width: int) -> Iterator[str]:
    match block:
        case Heading(level, text):
            yield text
            yield ("=" if level == 1 else "-") * len(text)
        case Paragraph(text):
            yield _wrapped(text, width)
        case Facts(rows):
            column = max(len(name) for name, _ in rows) + 4
            for name, text in rows:
                yield _wrapped(text, width, first=f"  {name}".ljust(column), rest=" " * column)
        case Keys(rows):
            for key in rows:
                default = f" = {key.default}" if key.default else ""
                yield _wrapped(f"{key.name}{default}", width, first="  ", rest="      ")
                yield _wrapped(key.meaning, width, first="      ", rest="      ")
                required = "required; " if key.required else ""
                yield _wrapped(f"({required}{key.type})", width, first="      ", rest="      ")


def _wrapped(text: str, width: int, *, first: str = "", rest: str = "") -> str:
    return fill(
        text, width, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )


def _markdown(block: Block) -> Iterator[str]:
    match block:
        case Heading(level, text):
            yield f"{'#' * level} {_escaped(text)}"
        case Paragraph(text):
            yield _escaped(text)
        case Facts(rows):
            for name, text in rows:
                yield f"- {_escaped(name)}: {_escaped(text)}"
        case Keys(rows):
            yield "| key | type | default | meaning |"
            yield "|---|---|---|---|"
            for key in rows:
                default = "*required*" if key.required else f"`{key.default}`" if key.default else ""
                cells = (f"`{key.name}`", _escaped(key.type), default, _escaped(key.meaning))
                yield "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def _escaped(text: str) -> str:
    """The text with what Markdown would take for markup made plain, but for code in backticks."""
    parts = CODE.split(text)
    return "".join(part if part.startswith("`") else re.sub(r"([\\*~<])", r"\\\1", part) for part in parts)
