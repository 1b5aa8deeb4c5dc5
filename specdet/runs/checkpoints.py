"""The checkpoints of a run, as they lie in its directory; known without torch, which alone can load one."""

import os
from pathlib import Path

import attrs

from specdet.runs.tables import FoundTable, find_table

# As specdet/runner/checkpoint.py and its hooks write them, which import torch.
FOLDER, PREFIX, MANIFEST, BEST, PROGRESS = "checkpoints", "iter_", "manifest.json", "best.json", "progress.json"
WEIGHTS = ("ema.safetensors", "accelerate/model.safetensors")  # the averaged ones are those that were evaluated


@attrs.frozen(kw_only=True)
class FoundCheckpoint:
    """A folder that is, or was to be, a checkpoint.

    Attributes:
        path: Its folder.
        serial: Larger for one that was written later; 0 for a damaged one.
        is_whole: Whether all of its files are there in their size. Their content is taken on trust.
        iter, epoch: Steps and epochs of its weights.
        size: Bytes.
        written: When, s since 1970.
        metrics: The last value of each metric; None for one that was not finite.
        weights: The files of its weights, relative to `path`.
    """

    path: Path
    serial: int
    is_whole: bool
    iter: int = 0
    epoch: int = 0
    size: int = 0
    written: float = 0.0
    metrics: dict[str, float | None] = attrs.field(factory=dict)
    weights: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Checkpoints:
    """All of a run, the one written first first.

    Attributes:
        best: The name of the best; empty where none is called so.
        best_problem: Why that is not known, as a sentence, or empty.
    """

    found: tuple[FoundCheckpoint, ...] = ()
    best: str = ""
    best_problem: str = ""

    @property
    def last(self) -> FoundCheckpoint | None:
        """The newest whole one: where the run would go on from."""
        return next((each for each in reversed(self.found) if each.is_whole), None)


def read_checkpoints(directory: Path) -> Checkpoints:
    """The checkpoints of the run in `directory`; links to elsewhere are none. Raises nothing for what lies there."""
    folder = directory / FOLDER
    try:
        names = [
            entry.name
            for entry in os.scandir(folder)
            if entry.name.startswith(PREFIX) and entry.is_dir(follow_symlinks=False)
        ]
    except OSError:  # none, or none that we may see
        return Checkpoints()
    best = find_table(folder / BEST)
    found = sorted((_read(folder / name) for name in names), key=lambda each: (each.serial, each.iter))
    return Checkpoints(found=tuple(found), best=best.text("checkpoint"), best_problem=best.problem)


def _read(path: Path) -> FoundCheckpoint:
    manifest, progress = find_table(path / MANIFEST), find_table(path / PROGRESS)
    files = manifest.table("files")
    number = path.name.removeprefix(PREFIX)
    metrics = progress.table("metrics").values
    return FoundCheckpoint(
        path=path,
        serial=manifest.whole("serial"),
        is_whole=bool(manifest.whole("serial")) and _is_whole(path, files),
        iter=progress.whole("iter") or (int(number) if number.isascii() and number.isdigit() else 0),
        epoch=progress.whole("epoch"),
        size=sum(files.table(name).whole("size") for name in files.values),
        written=_changed(path / MANIFEST),
        metrics={name: value for name, value in metrics.items() if value is None or type(value) in (int, float)},
        weights=tuple(name for name in WEIGHTS if name in files.values),
    )


def _is_whole(checkpoint: Path, files: FoundTable) -> bool:
    """Whether all the files that a manifest names are there in their size."""
    try:
        return bool(files.values) and all(
            (checkpoint / name).stat().st_size == files.table(name).whole("size") for name in files.values
        )
    except (OSError, ValueError):
        return False


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
