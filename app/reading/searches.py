"""Search: looks for lines in a log of any size while the page goes on, in a process that ends by itself."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from select import select
from typing import Any

import attrs

from app.reading.log_lines import LEVELS, Level, Line

SECONDS = 20.0  # after which it says how far it came
ROOT = Path(__file__).resolve().parents[2]  # where `app` is a package
SIGALRM = -14
TOO_SLOW = "the pattern takes too long on a single line: make it simpler, or look for plain text"


@attrs.frozen(kw_only=True)
class Wanted:
    """What is looked for.

    Attributes:
        text: In the line; a pattern where `regex`. Any line where it is empty.
        case: Whether capital letters count.
        levels: Of the line; any unless given.
    """

    text: str = ""
    regex: bool = False
    case: bool = False
    levels: tuple[Level, ...] = ()

    @property
    def problem(self) -> str:
        """Why that cannot be looked for, as a sentence, or an empty text."""
        if not self.regex:
            return ""
        try:
            re.compile(self.text)
        except (re.error, RecursionError, OverflowError) as error:
            return f"this is no pattern: {error}"
        return ""

    @property
    def is_all(self) -> bool:
        """Whether every line is wanted."""
        return not self.text and not self.levels


@attrs.frozen(kw_only=True)
class Found:
    """What was found so far.

    Attributes:
        lines: The last of them, with their numbers from 1.
        count: Of all of them.
        at: How far the file was searched, in bytes.
        line: How many lines it was.
        is_over: Whether the search has ended, at the end of the file or before.
        problem: Why it ended before, as a sentence, or an empty text.
    """

    lines: tuple[tuple[int, Line], ...] = ()
    count: int = 0
    at: int = 0
    line: int = 0
    is_over: bool = False
    problem: str = ""


class Search:
    """One search, from a place in a log to its end.

    Args:
        path: The log.
        wanted: What is looked for; it has no problem.
        before: What was found up to there.
        seconds: How long it may take.
    """

    def __init__(self, path: Path, wanted: Wanted, *, before: Found | None = None, seconds: float = SECONDS):
        before = before or Found()
        self.path, self.wanted = path, wanted
        self._before, self._seconds = before, seconds
        self._found = attrs.evolve(before, is_over=False, problem="")
        self._rest = b""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "app.reading.search_process"], cwd=ROOT, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert self._process.stdin is not None
        asked = {"path": str(path.absolute()), "text": wanted.text, "regex": wanted.regex, "case": wanted.case,
                 "levels": wanted.levels, "start": before.at, "line": before.line, "seconds": seconds}  # fmt: skip
        self._process.stdin.write(json.dumps(asked).encode())
        self._process.stdin.close()

    def poll(self, *, wait: float = 0.0) -> Found:
        """What was found up to now. Waits for no more than `wait` seconds for more to come."""
        assert self._process.stdout is not None
        deadline = time.monotonic() + wait
        while (
            not self._found.is_over and select([self._process.stdout], [], [], max(0, deadline - time.monotonic()))[0]
        ):
            piece = os.read(self._process.stdout.fileno(), 1 << 16)
            if not piece:
                self._end()
            *lines, self._rest = (self._rest + piece).split(b"\n")
            for line in lines:
                self._hear(json.loads(line))
        return self._found

    def _end(self) -> None:
        """It has ended without its last word."""
        problem = TOO_SLOW if self._process.wait() == SIGALRM else "the search broke off: try it again"
        self._found = attrs.evolve(self._found, is_over=True, problem=problem)

    def close(self) -> None:
        """End it, if it has not."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def __del__(self) -> None:
        if hasattr(self, "_process") and self._process.returncode is None:
            self.close()

    def _hear(self, said: dict[str, Any]) -> None:
        count = self._before.count + said["count"]
        self._found = attrs.evolve(self._found, count=count, at=said["at"])
        if "found" in said:
            fresh = [(number, Line(text=text, level=_level(level))) for number, level, text in said["found"]]
            problem = "" if said["complete"] else f"it ended after {self._seconds:.0f} s, before the log did"
            lines = (*self._before.lines, *fresh)[-500:]
            self._found = attrs.evolve(self._found, lines=lines, line=said["line"], is_over=True, problem=problem)


def _level(name: str) -> Level:
    return next(level for level in LEVELS if level == name)
