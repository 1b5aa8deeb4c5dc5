"""Which run is meant by what a person types."""

import os
from pathlib import Path

from specdet.runs.directory import run_of, runs_root
from specdet.runs.index import is_run, list_runs
from specdet.spec import SpecError

NEWEST, NEWEST_FAILED = "last", "last-failed"
SHOWN = 5  # candidates that are named


def find_run(text: str, *, root: Path | None = None) -> Path:
    """The directory of the run that is meant.

    Args:
        text: An id, its beginning or any part of it where only one run has that, "last" (the newest), "last-failed", or
            a path to a run or to something in it.
        root: The folder of all runs, `runs_root()` unless given.

    Raises:
        SpecError: Where no run is meant, with the nearest names, or several, which are named.
        OSError: Where the folder of runs cannot be read.
    """
    root = root or runs_root()
    text = text.strip()
    if os.sep in text or text in (".", ".."):
        return _at(Path(text))
    if text and (root / text).is_dir() and is_run(root / text):
        return root / text
    runs = list_runs(root)
    ids = [status.id for status in runs]
    if text == NEWEST_FAILED:
        ids = [status.id for status in runs if status.state in ("failed", "lost")]
        if runs and not ids:
            raise SpecError.one(f"none of the {len(runs)} runs in {root} has failed")
    if not ids:
        raise SpecError.one(f"there are no runs in {root}: go where they lie, or set SPECDET_RUNS")
    if text in (NEWEST, NEWEST_FAILED):
        return root / ids[0]
    wanted = text.lower()
    for fits in (
        [each for each in ids if each.lower().startswith(wanted)],
        [each for each in ids if wanted in each.lower()],
    ):
        if wanted and len(fits) == 1:
            return root / fits[0]
        if wanted and fits:
            more = f" and {len(fits) - SHOWN} more" if len(fits) > SHOWN else ""
            raise SpecError.one(f"{len(fits)} runs are meant by '{text}': {', '.join(fits[:SHOWN])}{more}")
    raise SpecError.one(f"no run in {root} is meant by '{text}'{_nearest(wanted, ids)}")


def _at(path: Path) -> Path:
    if not path.exists():
        raise SpecError.one(f"{path} does not exist")
    path = path.absolute()
    directory = path if path.is_dir() and is_run(path) else run_of(path)
    if directory is None:
        raise SpecError.one(f"{path} is no run and lies in none: a run's directory has a meta.json")
    return directory


def _nearest(text: str, ids: list[str]) -> str:
    """The newest run, or those whose name in words is like `text`."""
    from difflib import get_close_matches

    words = {each[16:-5]: each for each in reversed(ids)}  # without date and digits; the newest of each name
    near = [words[word] for word in get_close_matches(text, words, n=2)] or get_close_matches(text, ids, n=2)
    return f" (did you mean {' or '.join(near)}?)" if near else f"; the newest is {ids[0]}"
