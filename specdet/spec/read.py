"""Reading one spec file: its text and its table, or what is wrong with it as a file and as TOML 1.0."""

import os
import re
import stat
from itertools import islice
from pathlib import Path
from typing import Any

import attrs
import tomli

from specdet.spec.origin import Origin, Place
from specdet.spec.problems import Problem
from specdet.spec.toml_1_1 import newer_forms

LARGEST = 1 << 20  # bytes of a spec file; a person's is a hundredth of that
DEEPEST = 32  # tables and arrays in one another; a spec needs eight
LONG_NUMBER = re.compile(r"\d[\d_]{4000}")  # Python refuses to read a number of more than 4300 digits


@attrs.frozen(kw_only=True)
class ReadFile:
    """A spec file as far as it could be read.

    Attributes:
        text: As it stands on disk, line ends included.
        table: What it says; empty where it could not be read.
        problem: What is wrong at some place in it.
        closed: Why it could not be opened, which is told where it was asked for.
    """

    text: str = ""
    table: dict[str, Any] = attrs.field(factory=dict)
    problem: Problem | None = None
    closed: str = ""

    @property
    def usable(self) -> bool:
        """Whether the table is all that the file says."""
        return not self.closed and (self.problem is None or bool(self.table))


def read_file(file: Path, *, text: str | None = None) -> ReadFile:
    """Read `file`, or take `text` for what it says."""

    def wrong(message: str, *, line: int, column: int) -> Problem:
        place = place_at(text or "", line=line, column=column)
        return Problem(path="", message=message, origin=Origin(file=file), place=place)

    try:
        if text is None:
            content = _bytes_of(file)
            try:
                text = content.decode("utf-8-sig")
            except UnicodeDecodeError as error:
                text = error.object[: error.start].decode()
                return ReadFile(problem=wrong("this is not UTF-8 text", **_end(text)))
        table = tomli.loads(text)
    except _NoSpecFile as error:
        return ReadFile(closed=str(error))
    except OSError as error:
        said = "no such file" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}"
        return ReadFile(closed=said)
    except tomli.TOMLDecodeError as error:
        message = error.msg.partition(" (at ")[0]
        message = message[0].lower() + message[1:]
        from specdet.spec.toml_hints import hint  # a mistake pays for it

        message += hint(message, (text or "").split("\n")[error.lineno - 1], error.colno)
        return ReadFile(text=text or "", problem=wrong(message, line=error.lineno, column=error.colno))
    except RecursionError:
        return ReadFile(text=text or "", closed="tables or arrays lie too deeply in one another")
    except ValueError:  # Python's own, which tomli lets through
        found = LONG_NUMBER.search(text or "")
        before = (text or "")[: found.start() if found else 0]
        return ReadFile(text=text or "", problem=wrong("this is a number of more than 64 bits", **_end(before)))
    if deeper_than(DEEPEST, table):
        return ReadFile(text=text, closed="tables or arrays lie too deeply in one another")
    for offset, form in islice(newer_forms(text), 1):
        message = f"{form} is TOML 1.1, which many tools do not read: a spec is TOML 1.0"
        return ReadFile(text=text, table=table, problem=wrong(message, **_end(text[:offset])))
    return ReadFile(text=text, table=table)


def place_at(text: str, *, line: int, column: int) -> Place:
    """One character of a text; lines and columns are counted from 1."""
    whole = text.split("\n")[line - 1]
    shown = whole.removesuffix("\r") if column < len(whole) else whole
    return Place(line=line, column=column, end=column + 1, text=shown)


def deeper_than(room: int, value: Any) -> bool:
    """Whether tables and arrays lie in one another more than `room` deep."""
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return room < 0 or any(deeper_than(room - 1, each) for each in inner)
    return False


class _NoSpecFile(Exception):
    """A file that cannot be a spec, told in a sentence."""


def _bytes_of(file: Path) -> bytes:
    facts = file.stat()
    if not stat.S_ISREG(facts.st_mode):
        raise _NoSpecFile("is a folder, not a spec file" if stat.S_ISDIR(facts.st_mode) else "is no regular file")
    if facts.st_size > LARGEST:
        raise _NoSpecFile(f"is larger than a spec can be ({facts.st_size:,} bytes; at most {LARGEST:,})")
    with open(file, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as opened:
        content = opened.read(LARGEST + 1) or b""  # some files of the system are longer than they say
    if len(content) > LARGEST:
        raise _NoSpecFile(f"is larger than a spec can be (at most {LARGEST:,} bytes)")
    return content


def _end(text: str) -> dict[str, int]:
    """Line and column of what follows `text`."""
    return {"line": text.count("\n") + 1, "column": len(text.rpartition("\n")[2]) + 1}
