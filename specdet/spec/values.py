"""TOML values in Python: which there are, when two are the same, and how a person writes one."""

import math
import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from specdet.spec.paths import SpecPath, dotted, escape
from specdet.spec.problems import SpecError
from specdet.spec.read import DEEPEST

LONGEST = 100  # characters of an array on one line
SHORT_ESCAPES = {"\b": r"\b", "\t": r"\t", "\n": r"\n", "\f": r"\f", "\r": r"\r", '"': r"\"", "\\": r"\\"}


def toml_value(value: Any, path: SpecPath) -> Any:
    """A copy of `value` made of plain str, int, float, bool, list, dict, date, time and datetime; tuples become lists.

    Raises:
        SpecError: For what TOML has no way to write.
    """
    where = dotted(path)
    if len(path) > DEEPEST:
        raise SpecError.one("tables or arrays lie too deeply in one another", path=where)
    if isinstance(value, Mapping):
        return {checked_key(key, path): toml_value(item, (*path, key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [toml_value(item, (*path, str(index))) for index, item in enumerate(value)]
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise SpecError.one("a whole number of TOML has 64 bits, and this one needs more", path=where)
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, str):
        return _encodable(str.__str__(value), path)
    if isinstance(value, date | time):
        offset = value.utcoffset() if isinstance(value, datetime | time) else None
        if offset is not None and (isinstance(value, time) or offset % timedelta(minutes=1)):
            raise SpecError.one(f"TOML cannot write this time zone: {value.isoformat()}", path=where)
        return value
    if value is None:
        raise SpecError.one("TOML has no empty value: remove the key instead", path=where)
    raise SpecError.one(f"TOML cannot hold a {type(value).__name__}", path=where)


def checked_key(key: Any, path: SpecPath) -> str:
    """`key`, if a table can have it. Raises SpecError."""
    if not isinstance(key, str):
        raise SpecError.one(f"a key is a text, and {key!r} is none", path=dotted(path))
    if not key:
        raise SpecError.one("a key cannot be empty", path=dotted(path))
    return _encodable(str.__str__(key), path)


def _encodable(text: str, path: SpecPath) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise SpecError.one(
            f"holds half a character (at {error.start}), which no file can", path=dotted(path)
        ) from None
    return text


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same to whoever reads the file: types count (1 is not 1.0), and so does the order."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(item, other[key]) for key, item in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float):
        return repr(one) == repr(other)  # not a number is itself, and 0.0 is not -0.0
    if isinstance(one, date | time):
        return one.isoformat() == other.isoformat()  # the same instant in another time zone is another text
    return one == other


def value_text(value: Any, *, like: str = "", newline: str = "\n", one_line: bool = False) -> str:
    """The value in TOML 1.0.

    Args:
        value: What `toml_value` gives.
        like: How the value that it replaces is written: its quotes and its form are kept where they can be.
        newline: What ends a line.
        one_line: For a place in an inline table, where a long array cannot be broken.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _string_text(value, like=like, newline=newline, one_line=one_line)
    if isinstance(value, float):
        return _float_text(value, like=like)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, dict):
        pairs = ", ".join(f"{dotted((key,))} = {value_text(item, one_line=True)}" for key, item in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, list):
        items = [value_text(item, one_line=True) for item in value]
        text = f"[{', '.join(items)}]"
        if one_line or not items or not (len(text) > LONGEST or (like.startswith("[") and "\n" in like)):
            return text
        indent = match[1] if (match := re.match(r"\[[ \t]*(?:#[^\n]*)?\r?\n([ \t]*)", like)) else "    "
        lines = [f"{indent}{item},{newline}" for item in items]
        return f"[{newline}{''.join(lines)}]"
    return str(value)


def _string_text(value: str, *, like: str, newline: str, one_line: bool) -> str:
    lines = value.split("\n")
    plain = all(line.replace("\t", " ").isprintable() for line in lines)
    if like[:3] in ("'''", '"""') and len(lines) > 1 and not one_line:
        opening = like[:3] + (newline if like[3:5].startswith(("\n", "\r\n")) or not lines[0] else "")
        if like.startswith("'") and plain and "'''" not in value and not value.endswith("'"):
            return opening + newline.join(lines) + "'''"
        return opening.replace("'", '"') + newline.join(map(_escaped, lines)) + '"""'
    if like.startswith("'") and plain and "'" not in value and len(lines) == 1:
        return f"'{value}'"
    return f'"{_escaped(value)}"'


def _escaped(text: str) -> str:
    return "".join(SHORT_ESCAPES.get(each) or (each if each.isprintable() else escape(each)) for each in text)


def _float_text(value: float, *, like: str) -> str:
    text = repr(value)
    if not math.isfinite(value):
        return text
    if re.fullmatch(r"[+-]?[\d._]+[eE].*", like):  # 1e-3 becomes 5e-4, not 0.0005
        from decimal import Decimal

        text = min(text, f"{Decimal(text).normalize():e}".replace("e+", "e"), key=len)
    return re.sub(r"e([+-])0", r"e\1", text)
