"""Templates of names: one text that tells names apart, takes them to pieces and puts them together."""

import re
from collections.abc import Mapping
from functools import cache

PLACE = re.compile(r"\{(?:(?P<factor>\d*)(?P<number>[a-z])(?:\+(?P<shift>\d+))?|(?P<word>name|rest))\}")
WORDS = {"name": r"[^.]+", "rest": r".+"}
Values = Mapping[str, str | int]


class Template:
    """Text with places: `{i}` a number, `{3i+1}` a number of that form, `{name}` a word without dots, `{rest}` any.

    >>> Template("conv.{3i+1}.{name}").match("conv.7.bias")
    {'i': 2, 'name': 'bias'}
    """

    def __init__(self, text: str):
        self.text = text
        self._numbers: dict[str, tuple[int, int]] = {}
        pattern, end = "", 0
        for place in PLACE.finditer(text):
            pattern += re.escape(text[end : place.start()])
            end = place.end()
            if word := place["word"]:
                pattern += f"(?P<{word}>{WORDS[word]})"
                continue
            self._numbers[place["number"]] = (int(place["factor"] or 1), int(place["shift"] or 0))
            pattern += f"(?P<{place['number']}>\\d+)"
        self._pattern = re.compile(pattern + re.escape(text[end:]))

    def match(self, name: str) -> Values | None:
        """The values at the places of a name that fits, else None."""
        found = self._pattern.fullmatch(name)
        if found is None:
            return None
        values: dict[str, str | int] = {}
        for key, text in found.groupdict().items():
            if key not in self._numbers:
                values[key] = text
                continue
            factor, shift = self._numbers[key]
            number, rest = divmod(int(text) - shift, factor)
            if rest or number < 0:
                return None
            values[key] = number
        return values

    def fill(self, values: Values) -> str:
        """The name with these values at its places."""

        def text_of(place: re.Match) -> str:
            if word := place["word"]:
                return str(values[word])
            factor, shift = self._numbers[place["number"]]
            return str(int(values[place["number"]]) * factor + shift)

        return PLACE.sub(text_of, self.text)


@cache
def template(text: str) -> Template:
    """The template of a text."""
    return Template(text)
