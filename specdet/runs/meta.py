"""meta.json: where a run came from, so that it can be told apart and made again."""

import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from specdet.runs.files import read_json, write_json, write_text
from specdet.runs.provenance import environment, git_patch, git_state, hash_files, host, versions
from specdet.runs.redact import redacted, redacted_arguments, redacted_environment, secret_values

VERSION = 1
NAME = "meta.json"
PATCH = "git.patch"
SPECS = ("spec.toml", "spec.source.toml")  # say which variables hold secrets


def write_meta(
    directory: Path,
    *,
    name: str,
    seed: int,
    argv: Sequence[str] = tuple(sys.argv),
    via: str = "cli",
    parent: str = "",
    launch: Mapping[str, Any] | None = None,
    annotations: Iterable[str | Path] = (),
) -> None:
    """Write a run's meta.json, and git.patch where files differ from their commit.

    Both are free of secrets as far as these can be told: values of keys and variables that sound like one, and of
    variables that the run's specs, if they are there already, refer to. `launch` is what the supervisor goes by and
    is written as it is.

    Args:
        directory: The run directory.
        name: What the run is called.
        argv: The command that started it.
        via: Who started it: "cli", "gui" or "sweep".
        parent: The id of the run that it was made from.
        launch: How it is to be launched: JSON values.
        annotations: Files that say what is on the images.
    """
    secrets = secret_values(specs=_texts(directory))
    git = git_state(Path.cwd())
    if git is not None and git["dirty"]:
        patch = git_patch(Path.cwd())
        git["patch"] = PATCH if patch is not None else "left out: too long"
        if patch is not None:
            write_text(directory / PATCH, redacted(patch, secrets=secrets))
    write_json(directory / NAME, {
        "v": VERSION, "id": directory.name, "name": name, "created": round(time.time(), 3), "via": via,
        "argv": redacted_arguments(argv, secrets=secrets), "cwd": os.getcwd(), "seed": seed, "parent": parent,
        "launch": dict(launch or {}), "host": host(), "git": git, "versions": versions(),
        "environment": redacted_environment(environment(), secrets=secrets), "annotations": hash_files(annotations),
    })  # fmt: skip


def update_meta(directory: Path, **fields: Any) -> None:
    """Add what is only known once the run has started, such as the world size and the order of the hooks."""
    path = directory / NAME
    known = read_json(path) if path.exists() else {"v": VERSION, "id": directory.name}
    write_json(path, {**known, **fields})


def _texts(directory: Path) -> list[str]:
    return [
        (directory / name).read_text(encoding="utf-8", errors="replace")
        for name in SPECS
        if (directory / name).is_file()
    ]
