"""Change: one key of a spec that is to have another value, or none, for one launch."""

from typing import Self

import attrs

from specdet.spec.argument import split_argument
from specdet.spec.paths import dotted


@attrs.frozen(kw_only=True)
class Change:
    """What a row of the form says.

    Attributes:
        key: A path, as "optimizer.lr".
        value: As typed; TOML, or the bare text of a text.
        removes: Whether the key is taken away instead.
    """

    key: str = ""
    value: str = ""
    removes: bool = False

    @property
    def text(self) -> str:
        """`KEY=VALUE` or `~KEY` as the command line has it; empty for a row that is not filled in yet."""
        key, value = self.key.strip(), self.value.strip()
        if not key:
            return ""
        return f"~{key}" if self.removes else f"{key}={value}" if value else ""

    @property
    def in_url(self) -> str:
        """As `text`, and a key alone while it has no value yet."""
        return self.text or self.key.strip()

    @classmethod
    def read(cls, text: str) -> Self:
        """What a text says; one that is neither is taken for a key, and the check will say so."""
        if text.startswith("~"):
            return cls(key=text[1:].strip(), removes=True)
        try:
            path, value = split_argument(text)
        except ValueError:
            return cls(key=text)
        return cls(key=dotted(path), value=value)
