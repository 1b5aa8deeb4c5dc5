"""Types and values of a spec in the words of a person who writes specs."""

from collections.abc import Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from specdet.spec.argument import plain
from specdet.spec.published import Published
from specdet.spec.secret import Secret

NAMES = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    Path: "a path (text)",
    Published: "an address (https://...) or a published name (..._Weights....)",
    Secret: 'a secret, { env = "NAME" }',
}


def allows(kind: Any, form: type) -> bool:
    """Whether a component annotation takes `form` (Spec, dict, tuple or NoneType); from Python all forms may come."""
    arms = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    return kind is Any or any((get_origin(arm) or arm) is form for arm in arms)


def describe(kind: Any) -> str:
    """A type in the words of a person who writes specs."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind in NAMES:
        return NAMES[kind]
    if origin is Literal:
        return ("one of " if len(arguments) > 1 else "") + ", ".join(shown(option) for option in arguments)
    if origin in (Union, UnionType):
        return " or ".join(describe(arm) for arm in arguments if arm is not NoneType)
    if origin is tuple and arguments[-1] is Ellipsis:
        return f"an array, each {describe(arguments[0])}"
    if origin is tuple and len(set(arguments)) == 1:
        return f"an array of {len(arguments)}, each {describe(arguments[0])}"
    if origin is tuple:
        return f"an array of {len(arguments)}: {'; '.join(describe(each) for each in arguments)}"
    return "a table"


def shown(value: Any) -> str:
    """A value as a message shows it: in TOML's spelling, shortened."""
    value = plain(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping) or hasattr(type(value), "__attrs_attrs__"):
        return "a table"
    if isinstance(value, int) and abs(value) >= 2**63:
        return "a number of more than 64 bits"  # which Python may refuse to write out
    if isinstance(value, str):
        return f'"{value if len(value) <= 60 else value[:57] + "..."}"'
    if isinstance(value, list | tuple):
        return "an array" if len(value) > 8 else "[" + ", ".join(shown(each) for each in value) + "]"
    return str(value)
