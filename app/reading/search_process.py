"""`python -m app.reading.search_process`: searches a log, as a process of its own.

A pattern can take longer than anybody waits, and Python's regular expressions cannot be interrupted: a process can.
Every line on standard output is a JSON table, see `app.reading.searches`; the last one has the lines that were found.
"""

import json
import re
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from app.reading.log_lines import Levels, clean

KEPT = 500  # of the lines that are found, the last
TELL = 0.2  # s between two words on how far it is
CHUNK = 1 << 20  # bytes read at once
LONGEST = 1 << 20  # bytes of a line that is looked at


def main() -> int:
    """Read what is asked from standard input, as JSON: path, text, regex, case, levels, start, line, seconds."""
    asked = json.load(sys.stdin)
    seconds = float(asked["seconds"])
    if hasattr(signal, "setitimer"):  # the last resort: even where one line takes for ever
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, seconds + 1.0)
    matches = matcher(asked["text"], regex=asked["regex"], case=asked["case"])
    levels = frozenset(asked["levels"])
    deadline, told, found, count = time.monotonic() + seconds, time.monotonic(), deque(maxlen=KEPT), 0
    known, number, at = Levels(), asked["line"], asked["start"]
    complete = True
    for raw, end in lines_of(Path(asked["path"]), start=asked["start"]):
        number, at = number + 1, end
        text = clean(raw)
        level = known.of(text)
        if (not levels or level in levels) and matches(text):
            count += 1
            found.append((number, level, text))
        now = time.monotonic()
        if now > deadline:
            complete = False
            break
        if now - told > TELL:
            told = now
            _say({"at": at, "count": count})
    _say({"at": at, "line": number, "count": count, "complete": complete, "found": list(found)})
    return 0


def matcher(text: str, *, regex: bool, case: bool) -> Callable[[str], bool]:
    """Whether a line has a text or a pattern in it. Raises re.error for what is no pattern."""
    if regex:
        pattern = re.compile(text, 0 if case else re.IGNORECASE)
        return lambda line: pattern.search(line) is not None
    if case:
        return lambda line: text in line
    wanted = text.casefold()
    return lambda line: wanted in line.casefold()


def lines_of(path: Path, *, start: int) -> Iterator[tuple[bytes, int]]:
    """The whole lines of a file from a place on, and where each ends; of a long one its beginning."""
    rest, at = b"", start
    with path.open("rb") as file:
        file.seek(start)
        while chunk := file.read(CHUNK):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                at += len(line) + 1
                yield line[:LONGEST], at
            if len(rest) > 16 * LONGEST:
                at += len(rest)
                yield rest[:LONGEST], at
                rest = b""


def _say(table: dict[str, Any]) -> None:
    print(json.dumps(table), flush=True)


if __name__ == "__main__":
    sys.exit(main())
