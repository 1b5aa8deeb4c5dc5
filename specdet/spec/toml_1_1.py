"""What only TOML 1.1 allows: tomli reads it from some version on, and other people's editors and tools do not."""

import re
from collections.abc import Iterator

TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\])*"'
    r"|'[^']*'"
    r"|#[^\n]*"
    r"|[][{},\n]"
    r"""|[^][{},=\n"'#\s]+""",
    re.DOTALL,
)
NEWER_ESCAPE = re.compile(r"(?<!\\)(?:\\\\)*(\\[ex])")
SHORT_TIME = re.compile(r"(?:\d{4}-\d\d-\d\d[Tt])?\d\d:\d\d(?!:)")


def newer_forms(text: str) -> Iterator[tuple[int, str]]:
    """Offset and description of each thing that TOML 1.0 does not have, in a text that is valid TOML 1.1."""
    brackets: list[str] = []
    last = ""
    for match in TOKEN.finditer(text):
        token = match[0]
        first = token[0]
        if first == '"':
            if found := NEWER_ESCAPE.search(token):
                yield match.start() + found.start(1), f"the escape {found[1]}"
        elif first in "[{":
            brackets.append(first)
        elif first in "]}":
            if first == "}" and last == ",":
                yield match.start(), "a comma before the } of an inline table"
            if brackets:
                brackets.pop()
        elif first == "\n":
            if brackets and brackets[-1] == "{":
                yield match.start(), "a new line inside an inline table"
            continue
        elif first.isdigit() and SHORT_TIME.match(token):
            yield match.start(), "a time without seconds"
        if first != "#":
            last = token
