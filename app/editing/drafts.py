"""Drafts: texts that were not saved yet, kept over a reload of the page and a restart of the server.

Each tab of a browser has a draft of its own, so that two tabs with the same file share nothing. A draft belongs to
whoever took it last; a tab that finds its draft taken goes on with a new one.
"""

import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from app.editing.buffer import Buffer
from specdet.runs.devices import cache_folder
from specdet.runs.files import read_json, write_text
from specdet.spec.editing.edit import SpecFile

ID = re.compile(r"[0-9a-f]{12}")


@attrs.frozen(kw_only=True)
class Draft:
    """A text that was not saved.

    Attributes:
        id: Its own, twelve hexadecimal digits.
        owner: The tab that took it last.
        path: The file that it is of; absolute.
        base: What that file said when it was opened, and its digest; None for one that did not exist.
        text: What was made of it.
        marked: Whether the file starts with a byte order mark.
        at: When it was written, seconds since the epoch.
    """

    id: str
    owner: str
    path: str
    base: str
    digest: str | None
    text: str
    marked: bool
    at: float

    @property
    def buffer(self) -> Buffer:
        """The text to go on with."""
        file = SpecFile(path=Path(self.path), text=self.text, digest=self.digest, marked=self.marked)
        return Buffer(file=file, base=self.base)


def new_id() -> str:
    """An id that no other draft has."""
    return secrets.token_hex(6)


def draft_of(buffer: Buffer, *, id: str, owner: str, at: float) -> Draft:
    """What to keep of a buffer."""
    file = buffer.file
    return Draft(id=id, owner=owner, path=str(file.path), base=buffer.base, digest=file.digest, text=file.text,
                 marked=file.marked, at=at)  # fmt: skip


def drafts_folder() -> Path:
    """Where drafts of a user lie."""
    return cache_folder() / "app" / "drafts"


def keep(draft: Draft) -> None:
    """Write a draft, whole or not at all. Raises OSError."""
    folder = drafts_folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_text(_file(draft.path, draft.id), json.dumps(attrs.asdict(draft)), durable=False)


def find_draft(path: Path, id: str) -> Draft | None:
    """The draft of a file by its id, which may come from a URL; None where there is none that can be read."""
    return _read(_file(str(path), id)) if ID.fullmatch(id) else None


def drafts_of(path: Path) -> list[Draft]:
    """All drafts of a file, the newest one first."""
    found: Iterator[Draft | None] = (_read(file) for file in drafts_folder().glob(f"{_name(str(path))}-*.json"))
    return sorted((draft for draft in found if draft), key=lambda draft: draft.at, reverse=True)


def forget(path: Path, id: str) -> None:
    """Remove a draft, if there is one. Raises OSError."""
    _file(str(path), id).unlink(missing_ok=True)


def _file(path: str, id: str) -> Path:
    return drafts_folder() / f"{_name(path)}-{id}.json"


def _name(path: str) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:24]


def _read(file: Path) -> Draft | None:
    try:
        found: Any = read_json(file)
        draft = Draft(**found)
    except (OSError, ValueError, TypeError):  # gone, or of another version of the app: it stays where it is
        return None
    kinds = {name: type(value) for name, value in attrs.asdict(draft).items() if name not in ("digest", "at", "marked")}
    is_ours = set(kinds.values()) == {str} and type(draft.at) in (int, float) and type(draft.marked) is bool
    return draft if is_ours and isinstance(draft.digest, str | None) else None
