"""Roots: the folders that the app may read, and paths that must not lead out of them.

Spec files, run directories and data sets may come from strangers and name any path, or hold links to one. Whatever the
app opens because of such a name goes through here first.
"""

import os
from pathlib import Path
from typing import Self

import attrs

from specdet.runs.directory import runs_root
from specdet.runs.index import is_run
from specdet.spec.compose import shipped_specs

VARIABLE = "SPECDET_APP_ROOTS"


class Outside(ValueError):
    """A path leads to where the app may not read."""


@attrs.frozen(kw_only=True)
class Roots:
    """The folders that the app may read.

    Attributes:
        workspace: Where people's own specs lie: the folder that the app was started in.
        runs: The folder of all runs.
        data: Further folders, for images and weights.
    """

    workspace: Path
    runs: Path
    data: tuple[Path, ...] = ()

    @classmethod
    def here(cls) -> Self:
        """Those of this process: the working folder, the folder of runs and `$SPECDET_APP_ROOTS`."""
        named = os.environ.get(VARIABLE, "").split(os.pathsep)
        return cls(workspace=Path.cwd(), runs=runs_root(), data=tuple(Path(each).absolute() for each in named if each))

    @property
    def folders(self) -> tuple[Path, ...]:
        """All of them."""
        return (self.workspace, self.runs, *self.data, shipped_specs())

    def inside(self, path: str | Path) -> Path:
        """The real path behind `path`. Raises Outside, with what to do, where that is not in any of the folders."""
        try:
            real = Path(os.path.realpath(path))
        except ValueError:  # a NUL in it
            raise Outside("a path holds a character that no path can hold") from None
        if not any(real.is_relative_to(os.path.realpath(folder)) for folder in self.folders):
            raise Outside(
                f"{path} lies outside of the folders that this app may read: start the app in a folder above it, "
                f"or name one in {VARIABLE}"
            )
        return real

    def run(self, run_id: str) -> Path:
        """The directory of a run. Raises Outside for what is no id of a run, or leads elsewhere."""
        if not run_id or run_id.startswith(".") or not run_id.isprintable() or {*run_id} & {"/", "\\", os.sep}:
            raise Outside("this is no id of a run")
        directory = self.runs / run_id
        try:
            there = directory.is_dir() and is_run(directory)
        except OSError:  # longer than any name
            there = False
        if not there:
            raise Outside(f"there is no run {run_id[:100]} in {self.runs}: was it moved or deleted?")
        self.inside(directory)
        return directory


def why_no_base(path: Path) -> str:
    """Why a spec may not extend a file, in the app; empty where it may. In a hidden folder there may be secrets."""
    roots = Roots.here()
    try:
        real = roots.inside(path)
    except Outside as error:
        return str(error)
    above = next(root for each in roots.folders if real.is_relative_to(root := Path(os.path.realpath(each))))
    hidden = any(part.startswith(".") for part in real.relative_to(above).parts)
    return "it lies in a hidden folder, and may be a secret" if hidden else ""


def file_of(run: Path, name: str) -> Path:
    """A file of a run directory by its path in it. Raises Outside where a link leads out of the directory."""
    path = run / name
    try:
        real = Path(os.path.realpath(path))
    except ValueError:
        raise Outside("a path holds a character that no path can hold") from None
    if not real.is_relative_to(os.path.realpath(run)):
        raise Outside(f"{name} of {run.name} is a link to outside of its directory: it is not opened")
    return path
