"""SpecFile: a spec as its author wrote it, changed one value at a time; all else in it stays as it is."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from specdet.registry import suggestion
from specdet.spec.editing.save import digest, save
from specdet.spec.editing.writing import Writer, Written
from specdet.spec.origin import Origin
from specdet.spec.paths import SpecPath, dotted
from specdet.spec.problems import Problem, SpecError
from specdet.spec.read import ReadFile, read_file
from specdet.spec.values import checked_key, same, toml_value

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@attrs.frozen(kw_only=True)
class SpecFile:
    """The text of a spec file and the edits that it takes.

    Each edit gives a new SpecFile and leaves this one as it is, so that to undo is to keep the old one. The new text
    differs from the old one in the edited value alone: comments, order, blank lines, quotes and line ends stay. It is
    read again, and is only given back where it says exactly what it should; else the edit is refused with a SpecError.

    Attributes:
        path: Of the file.
        text: What it says, without a byte order mark.
        digest: Of the bytes that were read; None for a file that does not exist yet.
        marked: Whether a byte order mark stands before the text.
    """

    path: Path
    text: str
    digest: str | None
    marked: bool = False

    @classmethod
    def read(cls, path: str | Path) -> "SpecFile":
        """The file at `path`; it may hold mistakes. Raises SpecError where it is no text."""
        path = Path(path)
        found = read_file(path)
        mistake = _mistake(found, path)
        if mistake and not found.text:
            raise SpecError([mistake])
        with path.open("rb") as file:
            marked = file.read(len(BYTE_ORDER_MARK)) == BYTE_ORDER_MARK
        read = cls(path=path, text=found.text, digest=None, marked=marked)
        return attrs.evolve(read, digest=digest(read.content))

    @classmethod
    def new(cls, path: str | Path, text: str) -> "SpecFile":
        """A file that is to be made when it is saved."""
        return cls(path=Path(path), text=text, digest=None)

    @property
    def tree(self) -> dict[str, Any]:
        """What the text says, read anew, so that a change of it changes nothing here. Raises SpecError."""
        found = read_file(self.path, text=self.text)
        mistake = _mistake(found, self.path)
        if mistake:
            raise SpecError([mistake])
        return found.table

    @property
    def content(self) -> bytes:
        """The bytes of the file."""
        return BYTE_ORDER_MARK * self.marked + self.text.encode()

    def get(self, path: SpecPath) -> Any:
        """The value at `path`, or None, which no TOML value is."""
        value: Any = self.tree
        for key in path:
            if isinstance(value, list):
                value = value[index] if (index := _index(key)) is not None and index < len(value) else None
            else:
                value = value.get(key) if isinstance(value, dict) else None
        return value

    def set(self, path: SpecPath, value: Any, *, spelling: str = "") -> "SpecFile":
        """Give `path` a value, in its place or where a person would add it.

        A table replaces the one that is there. The index behind the last item of an array adds one.

        Args:
            path: Where.
            value: What.
            spelling: How to write it, as 1e-3 for 0.001; TOML on one line.

        Raises:
            SpecError: For what TOML cannot hold, a path through a plain value, or a text that cannot take it.
        """
        with _named(self.path):
            path, tree = _checked(path), self.tree
            value = toml_value(value, path)
            wanted = _with(tree, path, value)
            writer = Writer(self.text, tree)
            if writer.known(path) < len(path):
                free = path[: writer.known(path) + 1]
                written = (Written(value=value, text=text) for text in ([spelling] if spelling else []) + [""])
                ways = (way for each in written for way in writer.adding(path, each))
                return self._first(ways, [wanted], path=path, free=free)
            old = writer.at(path)
            if same(old, value):
                return self
            return self._first(
                self._ways_to_replace(writer, path, old, value, spelling), [wanted], path=path, free=path, stays=True
            )

    def remove(self, path: SpecPath) -> "SpecFile":
        """Take out a value, with the comment on its line.

        A table that is only there because of what lies in it (of dotted keys, of the headers below it) goes with the
        last of that; one with a header or braces of its own stays, and may be empty then.

        Raises:
            SpecError: Where there is nothing at `path`.
        """
        with _named(self.path):
            path, tree = _checked(path), self.tree
            _holder(tree, path)
            return self._first(Writer(self.text, tree).removing(path), _without(tree, path), path=path)

    def rename(self, path: SpecPath, key: str) -> "SpecFile":
        """Give a value another key, in its place. Raises SpecError where there is nothing, or the new key is taken."""
        with _named(self.path):
            path, tree = _checked(path), self.tree
            to = (*path[:-1], checked_key(key, path[:-1]))
            table = _holder(tree, path)
            if not isinstance(table, dict):
                raise SpecError.one("an item of an array has no key", path=dotted(path))
            if to == path:
                return self
            if key in table:
                raise SpecError.one(f"cannot become {dotted((key,))}, which is there already", path=dotted(path))
            renamed = {key if name == path[-1] else name: value for name, value in table.items()}
            wanted = _with(tree, path[:-1], renamed)
            return self._first(Writer(self.text, tree).renaming(path, to), [wanted], path=path)

    def move(self, path: SpecPath, to: SpecPath) -> "SpecFile":
        """Take a value to another path, written as it was, with the comment on its line.

        Raises:
            SpecError: Where there is nothing at `path`, something at `to`, or one lies in the other.
        """
        with _named(self.path):
            path, to, tree = _checked(path), _checked(to), self.tree
            _holder(tree, path)
            writer = Writer(self.text, tree)
            value = writer.at(path)
            added = _with(tree, to, value)
            if writer.known(to) == len(to):
                raise SpecError.one(f"cannot become {dotted(to)}, which is there already", path=dotted(path))
            if to[: len(path)] == path or path[: len(to)] == to:
                raise SpecError.one(f"cannot become {dotted(to)}: one lies in the other", path=dotted(path))
            ways = self._ways_to_move(writer, path, to, value)
            return self._first(ways, _without(added, path), path=path, free=to[: writer.known(to) + 1])

    def save(self) -> "SpecFile":
        """Write the file in one step; gives the SpecFile to go on with.

        Raises:
            SpecError: If the file on disk is no longer what was read, or cannot be written; then it is as it was.
        """
        with _named(self.path):
            save(self.path, self.content, over=self.digest)
        return attrs.evolve(self, digest=digest(self.content))

    def _first(
        self,
        ways: Iterable[str],
        wanted: list[dict[str, Any]],
        *,
        path: SpecPath,
        free: SpecPath = (),
        stays: bool = False,
    ) -> "SpecFile":
        """The file with the first of the texts that says what is wanted.

        Args:
            ways: Texts to try.
            wanted: Trees, any of which is right.
            path: What is edited, for the message.
            free: What may stand anywhere among the keys beside it, since a file cannot say all orders.
            stays: Whether a way that leaves it in its place comes before one that does not.
        """
        second = None
        for text in ways:
            found = read_file(self.path, text=text)
            if _mistake(found, self.path):
                continue  # this way breaks a rule of TOML's; the next one may not
            if any(same(found.table, each) for each in wanted):
                return attrs.evolve(self, text=text)
            if second is None and any(_same_but_place(found.table, each, free) for each in wanted):
                second = text
                if not stays:
                    break
        if second is not None:
            return attrs.evolve(self, text=second)
        message = "found no way to write this that leaves what else the file says as it is: edit it by hand"
        raise SpecError.one(message, path=dotted(path))

    def _ways_to_replace(self, writer: Writer, path: SpecPath, old: Any, value: Any, spelling: str) -> Iterator[str]:
        item = writer.layout.item(path)
        if item is None or isinstance(old, dict) or "#" in self.text[item.value.start : item.end]:
            yield from self._by_parts(path, old, value)
        yield from writer.replacing(path, value, spelling=spelling)
        for text in writer.removing(path):
            without = read_file(self.path, text=text)
            if without.usable:
                rest = Writer(text, without.table, original=self.text)
                yield from rest.adding(path, Written(value=value))

    def _by_parts(self, path: SpecPath, old: Any, value: Any) -> Iterator[str]:
        """The text after an edit of each part that differs, which keeps the comments of the others."""
        file = self
        try:
            if isinstance(old, dict) and isinstance(value, dict):
                for key, item in value.items():
                    file = file.set((*path, key), item)
                for key in [key for key in old if key not in value]:
                    file = file.remove((*path, key))
            elif isinstance(old, list) and isinstance(value, list):
                file = file._items_by_parts(path, old, value)
        except SpecError:
            return  # one part cannot be written on its own; the whole may
        if file is not self:
            yield file.text

    def _items_by_parts(self, path: SpecPath, old: list[Any], new: list[Any]) -> "SpecFile":
        """Where one stretch of the array was replaced by as many items, or removed, or added at the end."""
        both = min(len(old), len(new))
        start = next((at for at in range(both) if not same(old[at], new[at])), both)
        tail = next((at for at in range(both - start) if not same(old[-1 - at], new[-1 - at])), both - start)
        gone, come = len(old) - start - tail, len(new) - start - tail
        file = self
        if (gone and come and gone != come) or (come > gone and tail):
            return self  # which item became which is anybody's guess
        for at in range(start, start + come):
            file = file.set((*path, str(at)), new[at])
        for at in reversed(range(start + come, start + gone)):
            file = file.remove((*path, str(at)))
        return file

    def _ways_to_move(self, writer: Writer, path: SpecPath, to: SpecPath, value: Any) -> Iterator[str]:
        item = writer.layout.item(path)
        if item is None:
            yield from writer.renaming(path, to)
        text = self.text[item.value.start : item.end] if item else ""
        comment = writer.layout.comment_after(item.end) if item else ""
        for written in (Written(value=value, text=text, comment=comment), Written(value=value)):
            for added in writer.adding(to, written):
                with_both = read_file(self.path, text=added)
                if with_both.usable:
                    yield from Writer(added, with_both.table, original=self.text).removing(path)
        if item is not None:
            yield from writer.renaming(path, to)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Problems within are of this file."""
    try:
        yield
    except SpecError as error:
        origin = Origin(file=path)
        raise SpecError(attrs.evolve(each, origin=each.origin or origin) for each in error.problems) from None


def _mistake(found: ReadFile, path: Path) -> Problem | None:
    """What is wrong with a text."""
    if found.closed:
        return Problem(path="", message=found.closed, origin=Origin(file=path))
    return found.problem


def _checked(path: SpecPath) -> SpecPath:
    if not path:
        raise SpecError.one("a path has at least one key")
    return tuple(checked_key(key, path[:depth]) for depth, key in enumerate(path))


def _index(key: str) -> int | None:
    return int(key) if key.isascii() and key.isdecimal() and (key == "0" or key[0] != "0") else None


def _holder(tree: Any, path: SpecPath) -> Any:
    """The table or array that holds `path`. Raises SpecError where there is nothing."""
    holder, value = None, tree
    for depth, key in enumerate(path):
        holder, here = value, dotted(path[: depth + 1])
        if isinstance(holder, list):
            index = _index(key)
            if index is None or index >= len(holder):
                raise SpecError.one(f"there is no such item; the array has {len(holder)}", path=here)
            value = holder[index]
        elif not isinstance(holder, dict):
            raise SpecError.one("holds a value, not a table", path=dotted(path[:depth]))
        elif key not in holder:
            raise SpecError.one(f"there is no such key{suggestion(key, holder)}", path=here)
        else:
            value = holder[key]
    return holder


def _with(tree: Any, path: SpecPath, value: Any, *, above: SpecPath = ()) -> Any:
    """A copy of `tree` that has `value` at `path`. Raises SpecError where the path goes through a plain value."""
    if not path:
        return value
    key, rest, here = path[0], path[1:], (*above, path[0])
    if isinstance(tree, list):
        index = _index(key)
        if index is None or index > len(tree):
            message = f"there is no such item; the array has {len(tree)}, and {len(tree)} would add one"
            raise SpecError.one(message, path=dotted(here))
        below = tree[index] if index < len(tree) else {}
        return [*tree[:index], _with(below, rest, value, above=here), *tree[index + 1 :]]
    if not isinstance(tree, Mapping):
        raise SpecError.one("holds a value, not a table", path=dotted(above))
    return {**tree, key: _with(tree.get(key, {}), rest, value, above=here)}


def _without(tree: dict[str, Any], path: SpecPath) -> list[dict[str, Any]]:
    """What may be left of `tree` when `path` is taken out: with the tables that this leaves empty, or without them."""
    found: list[dict[str, Any]] = []
    for size in range(len(path), 0, -1):
        left = _removed(tree, path[:size])
        found.append(left)
        holder: Any = left
        for key in path[: size - 1]:
            holder = holder[int(key)] if isinstance(holder, list) else holder[key]
        if holder or size == 1:
            break
    return found


def _removed(tree: Any, path: SpecPath) -> Any:
    key, rest = path[0], path[1:]
    if isinstance(tree, list):
        index = int(key)
        return [*tree[:index], *([_removed(tree[index], rest)] if rest else []), *tree[index + 1 :]]
    return {name: _removed(item, rest) if name == key else item for name, item in tree.items() if rest or name != key}


def _same_but_place(one: Any, other: Any, free: SpecPath) -> bool:
    """Whether two trees are the same but for where `free` stands among the keys beside it."""
    if not free or type(one) is not type(other) or not isinstance(one, dict | list):
        return same(one, other)
    key, rest = free[0], free[1:]
    if isinstance(one, list):
        return len(one) == len(other) and all(
            _same_but_place(*pair, rest) if str(at) == key else same(*pair)
            for at, pair in enumerate(zip(one, other, strict=True))
        )
    if not rest:
        one, other = ({**{name: each[name] for name in each if name != key}, **each} for each in (one, other))
    return list(one) == list(other) and all(
        _same_but_place(item, other[name], rest) if name == key else same(item, other[name])
        for name, item in one.items()
    )
