"""Buffer: the text that is edited, with what it was before and what it was taken from."""

from difflib import SequenceMatcher

import attrs

from specdet.spec.editing.edit import SpecFile

MOST_STATES, MOST_TEXT = 300, 20_000_000  # of texts to undo to, and their characters in all
PAUSE = 1.5  # seconds: what is typed into one place with shorter pauses is undone at once


@attrs.frozen(kw_only=True)
class Buffer:
    """A spec file while it is edited; each step gives a new Buffer.

    Attributes:
        file: The text as it is now, with the digest of the file that it started from.
        base: The text of that file.
        past, future: Texts to undo and redo to, the nearest one last.
        by: What the last step was about.
        at: When it was, seconds since the epoch.
    """

    file: SpecFile
    base: str
    past: tuple[str, ...] = ()
    future: tuple[str, ...] = ()
    by: str = ""
    at: float = 0.0

    @classmethod
    def of(cls, file: SpecFile) -> "Buffer":
        """A file that nobody has changed yet."""
        return cls(file=file, base=file.text)

    @property
    def text(self) -> str:
        """The text as it is now."""
        return self.file.text

    @property
    def changed(self) -> bool:
        """Whether it says something else than the file that it started from."""
        return self.file.text != self.base or self.file.digest is None

    def edited(self, file: SpecFile, *, by: str, at: float) -> "Buffer":
        """With another text; `by` names the place, where steps that follow closely count as one."""
        if file.text == self.text:
            return self
        joins = by == self.by and at - self.at < PAUSE and self.past
        past = self.past if joins else kept((*self.past, self.text))
        return attrs.evolve(self, file=file, past=past, future=(), by=by, at=at)

    def typed(self, text: str, *, at: float) -> "Buffer":
        """With a text from an editor, whose lines all end with a line feed alone."""
        text = with_line_ends_of(self.text, text)
        return self.edited(attrs.evolve(self.file, text=text), by="text", at=at)

    def undone(self) -> "Buffer":
        """One step back."""
        if not self.past:
            return self
        file = attrs.evolve(self.file, text=self.past[-1])
        return attrs.evolve(self, file=file, past=self.past[:-1], future=(*self.future, self.text), by="", at=0.0)

    def redone(self) -> "Buffer":
        """One step forward again."""
        if not self.future:
            return self
        file = attrs.evolve(self.file, text=self.future[-1])
        return attrs.evolve(self, file=file, past=(*self.past, self.text), future=self.future[:-1], by="", at=0.0)

    def undone_all(self) -> "Buffer":
        """As the file that it started from."""
        return self.edited(attrs.evolve(self.file, text=self.base), by="", at=0.0)

    def on(self, file: SpecFile) -> "Buffer":
        """The same text and steps, started from what the file says now, so that it can be saved over that."""
        return attrs.evolve(self, file=attrs.evolve(self.file, digest=file.digest), base=file.text)

    def saved(self, file: SpecFile) -> "Buffer":
        """After it was saved as `file`."""
        return attrs.evolve(self, file=file, base=file.text, by="", at=0.0)

    def replaced(self, file: SpecFile) -> "Buffer":
        """Another content of the file instead; the text of before can be undone to."""
        past = kept((*self.past, self.text)) if file.text != self.text else self.past
        return attrs.evolve(self, file=file, base=file.text, past=past, future=(), by="", at=0.0)


def kept(texts: tuple[str, ...]) -> tuple[str, ...]:
    """The last of some texts: as many as there is room for, and the very last in any case."""
    room, first = MOST_TEXT, len(texts)
    while first and len(texts) - first < MOST_STATES and (first == len(texts) or len(texts[first - 1]) <= room):
        first -= 1
        room -= len(texts[first])
    return texts[first:]


def with_line_ends_of(old: str, new: str) -> str:
    """`new`, whose lines end with a line feed, with the ends that the same lines have in `old`."""
    if "\r" not in old:
        return new
    before, after = old.split("\n"), new.split("\n")
    usual = "\r" if 2 * old.count("\r\n") > old.count("\n") else ""
    bare = [line.removesuffix("\r") for line in before]
    found = [f"{line}{usual}" for line in after[:-1]] + after[-1:]
    for tag, start, end, to, _ in SequenceMatcher(None, bare, after, autojunk=False).get_opcodes():
        if tag == "equal":
            for offset in range(end - start):
                last = to + offset == len(after) - 1
                found[to + offset] = after[-1] if last else before[start + offset]
    return "\n".join(found)
