"""What to write instead of what is no TOML: the commonest slips of people who come from Python, YAML and JSON."""

import re

SLIPS = (
    (re.compile(r"(True|False)\b"), "TOML writes true and false in small letters"),
    (re.compile(r"(None|null|nil)\b"), "TOML has no empty value: leave the key out, or unset an inherited one"),
    (re.compile(r"dict\("), "a table in one line is { key = value }"),
    (re.compile(r"\("), "an array has square brackets: [1, 2]"),
    (re.compile(r"[+-]?\.\d"), "a number has a digit before its point: 0.5"),
    (re.compile(r"[A-Za-z_]"), "a text stands in quotes"),
)


def hint(message: str, line: str, column: int) -> str:
    """` (what to write instead)` for a mistake at a column of a line, counted from 1, or nothing."""
    rest = line[column - 1 :]
    if message == "invalid value":
        found = next((text for pattern, text in SLIPS if pattern.match(rest)), "")
    elif "hex" in message or "escape" in message:
        found = "a backslash in double quotes begins an escape: use single quotes, or / in paths"
    elif "'='" in message and ":" in line:
        found = "a key and its value have = between them"
    elif "newline" in message and rest.lstrip().startswith(","):
        found = "no comma ends a line"
    elif "newline" in message and rest.startswith("."):
        found = "a number has a digit behind its point: 1.0"
    else:
        found = ""
    return f" ({found})" if found else ""
