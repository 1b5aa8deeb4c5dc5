"""Lines of a log as people read them: without colours, with the level that each stands for."""

import re
from typing import Literal

import attrs

Level = Literal["INFO", "WARNING", "ERROR", "other"]
LEVELS: tuple[Level, ...] = ("INFO", "WARNING", "ERROR", "other")
LONGEST = 2000  # characters of a line that is shown
# Colours, moves of the cursor, titles of the terminal (ECMA-48).
ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|[@-Z\\-_])")
UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# As specdet/runner/logger.py writes them.
OURS = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (DEBUG|INFO|WARNING|ERROR|CRITICAL)\b")
TORCHS = re.compile(r"(?:\[rank\d+\]:)?\W*([IWEF])\d{4} \d\d:\d\d:\d\d")  # launchers and the libraries below torch
PYTHONS = re.compile(r"\S+\.py:\d+: \w*Warning: ")
NAMES: dict[str, Level] = {
    "DEBUG": "INFO",
    "CRITICAL": "ERROR",
    "I": "INFO",
    "W": "WARNING",
    "E": "ERROR",
    "F": "ERROR",
}


@attrs.frozen(kw_only=True)
class Line:
    """A line of a log.

    Attributes:
        text: As it is shown.
        level: What it stands for; "other" for what no logger wrote.
    """

    text: str
    level: Level


def clean(raw: bytes) -> str:
    """The text of a line, as a terminal would leave it: of a bar that was drawn over and over its last state."""
    text = raw[: 4 * LONGEST * 4].decode(errors="replace") if b"\r" not in raw else _last_drawn(raw)
    if "\x1b" in text:
        text = ESCAPE.sub("", text)
    text = UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text.replace("\t", "    "))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}... ({len(raw)} bytes)"


class Levels:
    """Tells the level of lines one after the other: a traceback belongs to the errors, as far as it goes."""

    def __init__(self) -> None:
        self._in_trace = False

    def of(self, text: str) -> Level:
        """The level of the next line."""
        if found := OURS.match(text):
            self._in_trace = False
            return _level(found[1])
        if found := TORCHS.match(text):
            self._in_trace = False
            return _level(found[1])
        if text.startswith("Traceback (most recent call last)") or "Traceback (most recent call last)" in text[:80]:
            self._in_trace = True
        if self._in_trace:
            # The last line of a traceback names the error and is not indented.
            self._in_trace = not text or text[0].isspace() or text.startswith("Traceback")
            return "ERROR"
        return "WARNING" if PYTHONS.match(text) else "other"


def _level(name: str) -> Level:
    return NAMES.get(name) or next(level for level in LEVELS if level == name)


def _last_drawn(raw: bytes) -> str:
    parts = [part for part in raw.rstrip(b"\r").split(b"\r") if part.strip()]
    return parts[-1][: 4 * LONGEST * 4].decode(errors="replace") if parts else ""
