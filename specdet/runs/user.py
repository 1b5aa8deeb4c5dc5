"""user.json: what people say of a run: a note, tags, a star, another name, that it is put aside."""

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from specdet.runs.files import write_json
from specdet.runs.tables import FoundTable, find_table
from specdet.spec import SpecError

USER = "user.json"
VERSION = 1
LONGEST_TAG = 64  # characters
PATIENCE = 5.0  # s until another edit of the same run must be through


@attrs.frozen(kw_only=True)
class UserData:
    """What people said of a run.

    Attributes:
        name: What it is called instead of its spec's name; empty for no other name.
        archived: Whether lists leave it out unless they are asked for all.
    """

    note: str = ""
    tags: tuple[str, ...] = ()
    star: bool = False
    name: str = ""
    archived: bool = False


def read_user(directory: Path) -> UserData:
    """What people said of a run; nothing, where no file says so or it cannot be read."""
    return user_data(find_table(directory / USER))


def user_data(table: FoundTable) -> UserData:
    """What a user.json says, as far as it makes sense."""
    tags = table.values.get("tags")
    return UserData(
        note=table.text("note"),
        tags=tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else (),
        star=table.values.get("star") is True,
        name=table.text("name"),
        archived=table.values.get("archived") is True,
    )


def edit_user(
    directory: Path,
    *,
    add_tags: Iterable[str] = (),
    remove_tags: Iterable[str] = (),
    note: str | None = None,
    star: bool | None = None,
    name: str | None = None,
    archived: bool | None = None,
) -> UserData:
    """Change what is given and leave the rest, also what others change in the same moment; gives what holds now.

    Raises:
        SpecError: For a tag that is none, or where the file holds something that would be lost.
        OSError: Where the run directory cannot be written to.
    """
    added = tuple(checked_tag(tag) for tag in add_tags)
    removed = {tag.strip() for tag in remove_tags}
    given = {"note": note, "star": star, "name": name, "archived": archived}
    with _alone(directory):
        table = find_table(directory / USER)
        if table.problem:
            raise SpecError.one(f"{directory / USER} would be overwritten, but {table.problem}: move it away first")
        before = user_data(table).tags
        tags = tuple(dict.fromkeys(tag for tag in (*before, *added) if tag not in removed))
        changed: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
        if tags != before:
            changed["tags"] = list(tags)
        if changed:
            values = {**table.values, "v": VERSION, **changed}  # keys of later versions stay
            write_json(directory / USER, values)
            table = FoundTable(values=values)
    return user_data(table)


def checked_tag(text: str) -> str:
    """A tag as it is kept. Raises SpecError for what a list of tags could not show or a command line not say."""
    tag = text.strip()
    if not tag or len(tag) > LONGEST_TAG or tag[0] in "+-" or not tag.isprintable() or set(tag) & set(", "):
        raise SpecError.one(
            f"{text!r} is no tag: give up to {LONGEST_TAG} characters without spaces and commas, "
            "with neither + nor - in front"
        )
    return tag


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """One editor at a time, be it another process or another thread; needs no file of its own."""
    try:
        import fcntl
    except ImportError:  # Windows runs nothing, and has one person at a time
        yield
        return
    descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    raise OSError(f"{directory} is being edited by another process for {PATIENCE:.0f} s") from error
                time.sleep(0.005)
            except OSError:  # some network file systems lock no folders; there the last of two edits counts
                break
        yield
    finally:
        os.close(descriptor)
