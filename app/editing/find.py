"""Finding the spec files of a workspace, within bounds: what is found is what a person would call a spec there."""

import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import attrs

from app.editing.target import SUFFIX
from specdet.experiment import Experiment
from specdet.runs.index import is_run
from specdet.spec.compose import LANGUAGE_KEYS, SHIPPED, shipped_specs
from specdet.spec.read import LARGEST

BASES, TEMPLATES = "base/", "templates/"  # folders of shipped specs that no training is started from
DEEPEST = 6  # folders below the workspace
MOST = 500  # spec files that are listed
MOST_SEEN = 50_000  # files and folders that are looked at
SKIPPED = {"node_modules", "site-packages", "__pycache__", "dist", "build"}
SAYS_SO = re.compile(r"^(?:spec|extends)\s*=", re.MULTILINE)
KEYS = {*attrs.fields_dict(Experiment), *LANGUAGE_KEYS}
TABLES = {"model", "data", "optimizer", "schedule", "train", "hooks"}


@attrs.frozen(kw_only=True)
class Found:
    """Spec files, by their paths from the workspace; whether there may be more."""

    names: tuple[str, ...]
    cut: bool


def find_specs(workspace: Path, *, skip: tuple[Path, ...] = ()) -> Found:
    """The spec files below a folder, near ones first.

    Hidden folders, virtual environments, run directories, links to folders and the folders of `skip` are not entered.
    """
    names: list[str] = []
    seen = 0
    skipped = {os.path.realpath(each) for each in skip}
    waiting = [(os.path.realpath(workspace), 0)]
    while waiting and len(names) < MOST and seen < MOST_SEEN:
        folder, depth = waiting.pop(0)
        for entry in _entries(folder):
            seen += 1
            if entry.is_dir(follow_symlinks=False):
                if depth < DEEPEST and entry.path not in skipped and _is_entered(entry):
                    waiting.append((entry.path, depth + 1))
            elif entry.name.endswith(SUFFIX) and len(names) < MOST and looks_like_spec(Path(entry.path)):
                names.append(Path(os.path.relpath(entry.path, os.path.realpath(workspace))).as_posix())
    return Found(names=tuple(names), cut=bool(waiting) or len(names) >= MOST)


def shipped_names(*, bases: bool) -> tuple[str, ...]:
    """The specs that come with specdet, as URLs and `extends` name them; then, if asked for, what they extend."""
    every = (path.relative_to(shipped_specs()).as_posix() for path in shipped_specs().rglob(f"*{SUFFIX}"))
    found = sorted(every, key=lambda name: (name.count("/"), name))  # those that run anywhere lie in no folder
    whole = [name for name in found if not name.startswith((BASES, TEMPLATES))]
    parts = [name for name in found if name.startswith(BASES)] if bases else []
    return tuple(f"{SHIPPED}{name}" for name in (*whole, *parts))


def looks_like_spec(path: Path) -> bool:
    """Whether a TOML file is a spec, or was meant to be one."""
    try:
        if not path.is_file() or path.stat().st_size > LARGEST:
            return False
        text = path.read_text(encoding="utf-8-sig")
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return SAYS_SO.search(text) is not None
    except (OSError, ValueError, RecursionError):
        return False
    return "spec" in table or "extends" in table or (bool(TABLES & table.keys()) and table.keys() <= KEYS)


def _entries(folder: str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from sorted((each for each in entries if not each.name.startswith(".")), key=lambda each: each.name)
    except OSError:  # no access: nothing of ours
        return


def _is_entered(folder: os.DirEntry[str]) -> bool:
    path = Path(folder.path)
    return folder.name not in SKIPPED and not (path / "pyvenv.cfg").exists() and not is_run(path)
