"""What a spec file is about, in a line: its detector, its data, and whether anything is wrong with it."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from app.editing.checked import Checked, check_text, plugins_of
from app.editing.saving import on_disk
from app.editing.target import Target
from specdet.spec import Problem, SpecError
from specdet.spec.editing.edit import SpecFile
from specdet.spec.trust import trusted_list


@attrs.frozen(kw_only=True)
class Summary:
    """A spec file in a line.

    Attributes:
        detector: Types of the detector and its backbone; empty where they are not said.
        data: Types of the training data, each with its name where there are several.
        about: The comment that the file starts with.
        problems: What is wrong with it.
        part: Whether it was read as a base for others.
        read: Every file that this came from, with what changes when it is written.
    """

    detector: str
    data: str
    about: str
    problems: tuple[Problem, ...]
    part: bool
    read: Mapping[Path, tuple[int, ...]]

    @property
    def verdict(self) -> str:
        """Whether anything is wrong, in words."""
        count = len(self.problems)
        return f"{count} problem{'s' * (count > 1)}" if count else "fine"


class Summaries:
    """Summaries that are made anew where a file that one came from has changed."""

    def __init__(self) -> None:
        self._known: dict[Path, Summary] = {}

    def of(self, target: Target) -> Summary:
        """The summary of a spec file."""
        known = self._known.get(target.path)
        if known is None or known.read != {path: _stamp(path) for path in known.read}:
            known = self._known[target.path] = summarise(target)
        return known


def summarise(target: Target) -> Summary:
    """Read a spec file. What cannot be read is a summary that says so."""
    try:
        file = on_disk(target.path)
        if file is None:
            raise SpecError.one("is gone")
    except SpecError as error:
        read = {target.path: _stamp(target.path)}  # it may be there, or be mended, the next time
        return Summary(detector="", data="", about="", problems=error.problems, part=False, read=read)
    checked = check_text(target.path, file.text, part=target.is_part)
    plugins = [file.path for file in plugins_of(checked.composed)]
    read = [*checked.composed.files, *plugins, *([trusted_list()] if plugins else [])]
    return Summary(
        detector=_detector(checked),
        data=_data(checked),
        about=_first_comment(file),
        problems=checked.problems,
        part=target.is_part,
        read={path: _stamp(path) for path in read},
    )


def _stamp(path: Path) -> tuple[int, ...]:
    """Without opening it: a spec may name a file of any size."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return ()
    return status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size


def _detector(checked: Checked) -> str:
    model = checked.composed.tree.get("model")
    backbone = model.get("backbone") if isinstance(model, Mapping) else None
    names = [_type(model), _type(backbone)]
    depth = backbone.get("depth") if isinstance(backbone, Mapping) else None
    if names[1] and isinstance(depth, int):
        names[1] += f"-{depth}"
    return ", ".join(name for name in names if name)


def _data(checked: Checked) -> str:
    data = checked.composed.tree.get("data")
    train = data.get("train") if isinstance(data, Mapping) else None
    if not isinstance(train, Mapping):
        return ""
    if isinstance(train.get("type"), str):
        return _named(train)
    return ", ".join(f"{key}: {_type(each)}" for key, each in train.items() if _type(each))


def _named(table: Mapping[str, Any]) -> str:
    """A data set with the last part of the path that says most of it."""
    path = next((table[key] for key in ("annotations", "folder", "images") if isinstance(table.get(key), str)), "")
    name = os.path.basename(path) if path not in ("", ".") else str(table.get("split", ""))
    return f"{_type(table)} {name}".strip()


def _type(table: Any) -> str:
    tag = table.get("type") if isinstance(table, Mapping) else None
    return tag if isinstance(tag, str) else ""


def _first_comment(file: SpecFile) -> str:
    first = file.text.partition("\n")[0].strip()
    return first.removeprefix("#").strip() if first.startswith("#") and not first.startswith("#:") else ""
