"""Where each key and value of a spec file stands, in lines and columns."""

from bisect import bisect_right
from typing import Literal

import attrs

from specdet.spec.layout import Key, Layout, Section
from specdet.spec.paths import SpecPath


@attrs.frozen(kw_only=True)
class Span:
    """A stretch of one line: from `column` to before `end`, counted from 1, in characters."""

    line: int
    column: int
    end: int


class Positions:
    """The places of all keys of a text, by path.

    Args:
        text: Valid TOML, 1.0 or 1.1.
    """

    def __init__(self, text: str):
        self._text = text
        self._starts = [0, *(index + 1 for index, character in enumerate(text) if character == "\n")]
        self._keys: dict[SpecPath, Key] = {}
        self._values: dict[SpecPath, tuple[int, int]] = {}
        layout = Layout(text)
        for container in layout.containers():
            if isinstance(container, Section):
                self._note(container.keys, container.path)
            for item in container.items:
                self._note(item.keys, item.path)
                self._values[item.path] = (item.value.start, item.value.end)
        for section in layout.sections:
            if section.keys:  # its own header rather than a part of one below it that came first
                self._keys[section.path] = section.keys[-1]

    def line(self, number: int) -> str:
        """The text of a line, without its end."""
        if not 0 < number <= len(self._starts):
            return ""
        end = self._starts[number] - 1 if number < len(self._starts) else len(self._text)
        return self._text[self._starts[number - 1] : end].removesuffix("\r")

    def find(self, path: SpecPath, *, at: Literal["key", "value"] = "value") -> Span | None:
        """The place of `path`, else of the nearest table or array around it that the text names, or None."""
        if at == "value" and path in self._values:
            return self._span(*self._values[path])
        for length in range(len(path), 0, -1):
            if path[:length] in self._keys:
                key = self._keys[path[:length]]
                return self._span(key.start, key.end)
            if path[:length] in self._values:  # an item of an array has no key
                return self._span(*self._values[path[:length]])
        return None

    def _note(self, keys: tuple[Key, ...], path: SpecPath) -> None:
        for key in keys:
            self._keys.setdefault(path[: key.depth + 1], key)

    def _span(self, start: int, end: int) -> Span:
        line = bisect_right(self._starts, start)
        first = self._starts[line - 1]
        stop = min(end, first + len(self.line(line)))
        return Span(line=line, column=start - first + 1, end=max(start + 1, stop) - first + 1)
