"""Saving a buffer: never over what somebody else wrote meanwhile, unless that is what is asked for."""

import os
from pathlib import Path

import attrs

from app.editing.buffer import Buffer
from specdet.spec import SpecError
from specdet.spec.compose import SHIPPED, shipped_specs
from specdet.spec.editing.edit import SpecFile


def on_disk(path: Path) -> SpecFile | None:
    """What a file says now; None where there is none. Raises SpecError where it is no text that a spec could be."""
    return SpecFile.read(path) if os.path.lexists(path) else None


def clash(buffer: Buffer) -> bool:
    """Whether the file on disk is another than the one that the buffer started from."""
    theirs = on_disk(buffer.file.path)
    return (theirs.digest if theirs else None) != buffer.file.digest


def save(buffer: Buffer) -> Buffer:
    """Write the file. Raises SpecError where it was changed meanwhile, or cannot be written."""
    return buffer.saved(buffer.file.save())


def save_over(buffer: Buffer) -> Buffer:
    """Write the file over whatever it says now. Raises SpecError where it changes in this very moment."""
    theirs = on_disk(buffer.file.path)
    return save(buffer.on(theirs) if theirs else attrs.evolve(buffer, file=attrs.evolve(buffer.file, digest=None)))


def save_as(buffer: Buffer, path: Path) -> SpecFile:
    """Write the text as a new file, what it extends named from there. Raises SpecError where there is one already."""
    path.parent.mkdir(parents=True, exist_ok=True)
    moved = at_home(buffer.file, path)
    return attrs.evolve(moved, digest=None).save()


def at_home(file: SpecFile, path: Path) -> SpecFile:
    """The file as it must be at another path: what it extends, and its plugins, are named from there.

    Other paths in it are left: the form and the check say what they lead to.
    """
    moved = attrs.evolve(file, path=path)
    for key in ("extends", "plugins"):
        try:
            names = file.get((key,))
        except SpecError:  # no TOML: it is saved as it is
            return moved
        if not isinstance(names, list):
            continue
        for index, name in enumerate(names):
            if isinstance(name, str) and not name.startswith((SHIPPED, "~")) and not os.path.isabs(name):
                moved = moved.set((key, str(index)), _named_from(path.parent, file.path.parent / name))
    return moved


def _named_from(folder: Path, file: Path) -> str:
    """A file as a spec in `folder` would name it."""
    real, shipped = Path(os.path.realpath(file)), Path(os.path.realpath(shipped_specs()))
    if real.is_relative_to(shipped):
        return f"{SHIPPED}{real.relative_to(shipped).as_posix()}"
    return Path(os.path.relpath(os.path.normpath(file), folder)).as_posix()
