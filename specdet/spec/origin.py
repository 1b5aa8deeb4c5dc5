"""Where values of a spec were written."""

from pathlib import Path

import attrs


@attrs.frozen(kw_only=True)
class Origin:
    """What wrote a value: a file, the command line, or neither (a default, or Python)."""

    file: Path | None = None
    argument: str = ""

    def __bool__(self) -> bool:
        return self.file is not None or bool(self.argument)

    @property
    def label(self) -> str:
        """What an error message says in front of the path."""
        if self.argument:
            return f"command line: {self.argument}"
        return str(self.file) if self.file else ""

    @property
    def folder(self) -> Path:
        """What a relative path of this origin is relative to."""
        return self.file.parent if self.file else Path.cwd()


NOWHERE = Origin()


@attrs.frozen(kw_only=True)
class Place:
    """A stretch of one line of a file or an argument: from `column` to before `end`, counted from 1, in characters."""

    line: int
    column: int
    end: int
    text: str  # the whole line
