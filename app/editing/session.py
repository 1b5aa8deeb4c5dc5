"""Editing: one tab of a browser at work on one spec file."""

from collections.abc import Callable
from typing import Self

import attrs

from app.editing.buffer import Buffer
from app.editing.drafts import Draft, draft_of, drafts_of, find_draft, forget, keep, new_id
from app.editing.saving import on_disk
from app.editing.target import Target
from specdet.spec import SpecError
from specdet.spec.editing.edit import SpecFile
from specdet.spec.paths import SpecPath, dotted
from specdet.spec.positions import Positions

Edit = Callable[[SpecFile], SpecFile]


@attrs.define(kw_only=True)
class Editing:
    """One tab's work on a file. It is the tab's own, and changes as the person works.

    Attributes:
        target: The file.
        buffer: Its text.
        owner: What the tab is known by, among drafts.
        draft: The id of the draft that keeps the text while it is not saved.
        turn: Of the last text that the editor sent; see `toml_editor`.
        go_to: A line that the editor shall show, a count of such wishes, and whether the caret shall go there.
        refusal: Why the last edit was not done, or not kept; empty where it was.
        not_saved: Why the last save was not done; empty where it was, or nothing was to be saved.
        restored: Whether the text came from a draft, and the person has not been at it since.
        readable: The last text that was TOML.
    """

    target: Target
    buffer: Buffer
    owner: str
    draft: str = attrs.field(factory=new_id)
    turn: int = 0
    go_to: tuple[int, int, bool] = (0, 0, False)
    refusal: str = ""
    not_saved: str = ""
    restored: bool = False
    readable: str = ""

    @classmethod
    def begin(cls, target: Target, *, draft: str, owner: str, at: float) -> Self:
        """Open a file, with what this tab had not saved of it. Raises SpecError where there is neither.

        Args:
            target: The file.
            draft: The id of the tab's draft, from its URL; empty where it has none.
            owner: What the tab is known by.
            at: Seconds since the epoch.
        """
        kept = find_draft(target.path, draft)
        try:
            file = on_disk(target.path)
        except SpecError:
            if kept is None:
                raise
            file = None
        if kept is not None and (file is None or kept.text != file.text):
            editing = cls(target=target, buffer=kept.buffer, owner=owner, draft=kept.id, restored=True)
            editing.keep(at=at, taking=True)
            return editing
        if file is None:
            raise SpecError.one(f"there is no file {target.name}: was it moved or deleted?")
        return cls(target=target, buffer=Buffer.of(file), owner=owner)

    def apply(self, edit: Edit, *, path: SpecPath, at: float) -> None:
        """Do an edit of the form at `path` and keep the result, or say why not in `refusal`."""
        try:
            file = edit(self.buffer.file)
        except SpecError as error:
            self.refusal = "; ".join(f"{problem.path}: {problem.message}".strip(": ") for problem in error.problems)
            return
        self.go_on(self.buffer.edited(file, by=dotted(path), at=at), at=at)
        if span := Positions(file.text).find(path):
            self.show_line(span.line, caret=False)

    def go_on(self, buffer: Buffer, *, at: float) -> None:
        """Go on with another buffer; where its draft cannot be written, `refusal` says so."""
        self.buffer = buffer
        self.refusal = self.not_saved = ""
        self.restored = False
        self.keep(at=at)

    def keep(self, *, at: float, taking: bool = False) -> None:
        """Write the draft down, or remove it where there is nothing to lose.

        Args:
            at: Seconds since the epoch.
            taking: Whether a draft that belongs to another tab is taken from it; else it stays that tab's, and this one
                goes on with a new one.
        """
        try:
            self._keep(at=at, taking=taking)
        except OSError as error:
            self.refusal = f"What is not saved could not be kept ({error}): save it before you leave the page."

    def _keep(self, *, at: float, taking: bool) -> None:
        path = self.buffer.file.path
        kept = find_draft(path, self.draft)
        if kept is not None and kept.owner != self.owner and not taking:
            self.draft = new_id()
        if self.buffer.changed:
            keep(draft_of(self.buffer, id=self.draft, owner=self.owner, at=at))
        elif kept is not None and kept.id == self.draft:
            forget(path, self.draft)

    def save(self, how: Callable[[Buffer], Buffer], *, at: float) -> bool:
        """Save with `how`; gives whether it was done, else `not_saved` says why not."""
        try:
            self.go_on(how(self.buffer), at=at)
        except SpecError as error:
            self.not_saved = error.problems[0].message
        return not self.not_saved

    def load(self, *, at: float) -> None:
        """Take what the file says now instead of what was made of it here, which can be undone to."""
        try:
            theirs = on_disk(self.buffer.file.path)
        except SpecError as error:
            self.refusal = error.problems[0].message
            return
        if theirs is not None:
            self.go_on(self.buffer.replaced(theirs), at=at)

    def others(self) -> list[Draft]:
        """What other tabs, open or closed, have not saved of this file."""
        shown = {self.buffer.text, self.buffer.base}
        return [each for each in drafts_of(self.buffer.file.path) if each.id != self.draft and each.text not in shown]

    def take(self, draft: Draft, *, at: float) -> None:
        """Go on with what another tab had not saved; what this one had stays a draft of its own."""
        self.draft = draft.id
        self.buffer = draft.buffer
        self.restored = True
        self.keep(at=at, taking=True)

    def set_aside(self) -> None:
        """Leave the draft for later, and go on with a new one."""
        self.draft = new_id()

    def follow(self) -> bool:
        """Take over what the file says now, where nothing was changed here; gives whether it did."""
        if self.buffer.changed:
            return False
        try:
            theirs = on_disk(self.buffer.file.path)
        except SpecError:
            return False
        if theirs is None or theirs.digest == self.buffer.file.digest:
            return False
        self.buffer = self.buffer.replaced(theirs)
        return True

    def show_line(self, line: int, *, caret: bool) -> None:
        """Let the editor show a line."""
        self.go_to = (line, self.go_to[1] + 1, caret)
