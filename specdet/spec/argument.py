"""`key=value` and `~key`: what a command line changes in a spec."""

from typing import Any

import attrs
import tomli

from specdet.spec.paths import SpecPath, undotted
from specdet.spec.read import DEEPEST, deeper_than


@attrs.frozen
class Argument:
    """A command-line value: its text, and what that is as TOML. The field that receives it knows which one is meant."""

    text: str
    value: Any


def plain(value: Any) -> Any:
    """The TOML reading of a value that may have come from the command line."""
    return value.value if isinstance(value, Argument) else value


def split_argument(argument: str) -> tuple[SpecPath, str]:
    """The path and the text of `key=value`; a quoted key may hold an = of its own. Raises ValueError."""
    at = argument.find("=")
    while at >= 0:
        try:
            return undotted(argument[:at].strip()), argument[at + 1 :].strip()
        except ValueError:
            at = argument.find("=", at + 1) if set("\"'") & set(argument[:at]) else -1
    raise ValueError("expected KEY=VALUE, as in optimizer.lr=0.01")


def toml_or_text(text: str) -> Any:
    """The value that `text` is in TOML, else the text itself."""
    try:
        table = tomli.loads(f"value = {text}")
    except (ValueError, RecursionError):  # no TOML, or a number with more digits than Python takes
        return text
    return table["value"] if table.keys() == {"value"} and not deeper_than(DEEPEST, table) else text


def turn(argument: str) -> int:
    """When an argument is applied: removals first, then changes of a type, then the rest."""
    if argument.startswith("~"):
        return 0
    try:
        path, text = split_argument(argument)
    except ValueError:  # told when it is applied
        return 2
    value = toml_or_text(text)
    return 1 if path[-1] == "type" or (isinstance(value, dict) and "type" in value) else 2
