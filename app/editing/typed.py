"""What is typed into a field of a form as a value of a spec, and a value as what one would type.

As on the command line: TOML where it is TOML, else text. What is wrong for the field stays wrong, so that the check can
say so; nothing is turned into what might have been meant.
"""

from collections.abc import Mapping
from typing import Any

from specdet.spec.argument import toml_or_text
from specdet.spec.manual.description import Kind, ValueType
from specdet.spec.values import value_text

TEXTS = (Kind.TEXT, Kind.PATH)
ARRAYS = (Kind.ARRAY, Kind.TUPLE)
QUOTES = "\"'"


def read_typed(text: str, value: ValueType, *, reference: bool = False) -> Any:
    """The value that is meant; None where nothing is typed, which takes the key out of the file.

    Args:
        text: As typed.
        value: The type that the field has.
        reference: Whether `{ ref = "PATH" }` may stand there.
    """
    if not text.strip():
        return None
    meant = toml_or_text(text.strip())
    if isinstance(meant, dict) and ((reference and meant.keys() == {"ref"}) or value.kind is Kind.SECRET):
        return meant
    if value.kind in TEXTS:
        return meant if isinstance(meant, str) and text.strip()[0] in QUOTES else text
    if value.kind is Kind.SECRET:
        return {"env": text.strip()}
    if value.kind in (Kind.CHOICE, Kind.UNION) and text.strip() in _choices(value):
        return text.strip()
    if value.kind in ARRAYS and not isinstance(meant, list):
        return _array(text.strip(), value, meant)
    return meant


def shown(value: Any, kind: ValueType) -> str:
    """A value as it would be typed: `read_typed` of it gives the value again, if the field takes such values at all."""
    if value is None:
        return ""
    if kind.kind is Kind.SECRET and isinstance(value, Mapping) and value.keys() == {"env"}:
        return str(value["env"])
    if isinstance(value, str):
        bare = value.isprintable() and value.strip() == value and value and read_typed(value, kind) == value
        return value if bare else value_text(value, one_line=True)
    return value_text(value, one_line=True)


def same_when_typed(text: str, value: Any, kind: ValueType, *, reference: bool = False) -> bool:
    """Whether `text` is another spelling of `value`, which a person who is typing must not see changed."""
    meant = read_typed(text, kind, reference=reference)
    return type(meant) is type(value) and meant == value


def _choices(value: ValueType) -> tuple[Any, ...]:
    return (*value.choices, *(choice for part in value.parts for choice in part.choices))


def _array(text: str, value: ValueType, meant: Any) -> Any:
    """Items without their brackets: `8, 11`, and of texts `cat, dog`."""
    if text.startswith(("[", "{")):
        return meant  # half typed
    items = toml_or_text(f"[{text}]")
    if isinstance(items, list):
        return items
    kinds = {value.item.kind} if value.item else {part.kind for part in value.parts}
    if kinds <= {Kind.TEXT, Kind.PATH, Kind.CHOICE}:
        return [part.strip() for part in text.split(",") if part.strip()]
    return meant
