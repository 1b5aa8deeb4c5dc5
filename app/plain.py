"""Text of strangers as text: labels, errors and titles of Streamlit are Markdown, which loads images."""

import re

# What begins something in Markdown, or in what Streamlit adds: ":red[...]", ":material/...:", "$...$". No more than
# that is escaped, since a label with its backslashes is also what a screen reader says.
ANYWHERE = re.compile(r"[\\`*{}\[\]<>|~$&]|:(?=[^\s])|(?<![^\W_])_|_(?![^\W_])")
AT_THE_START = re.compile(r"^(\s*)([#+=-]|\d+(?=[.)]))")


def plain(text: object) -> str:
    """`text` such that Markdown shows it as it is, on one line.

    For labels of widgets, `st.error` and the like. Longer text belongs into `st.text`, `st.code` or a table.
    """
    line = " ".join(str(text).split())
    shown = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in line)
    escaped = ANYWHERE.sub(r"\\\g<0>", shown)
    return AT_THE_START.sub(_escape_start, escaped)


def _escape_start(found: re.Match[str]) -> str:
    """A mark that would make a list, a title or a rule of the line."""
    sign = found[2]
    return f"{sign}\\" if sign.isdigit() else f"\\{sign}"
