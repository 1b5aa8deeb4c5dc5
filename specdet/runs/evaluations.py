"""evaluations/: what evaluators tell besides numbers (a confusion matrix, say), a JSON file for each evaluation.

evaluations/iter_00000123.json    {"v", "iter", "epoch", "details": {name in [eval]: what it tells}}
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from specdet.runs.files import read_json, write_json

FOLDER = "evaluations"
VERSION = 1


def file_name(iter: int) -> str:
    """The path, in its run directory, of what was told after so many optimizer steps."""
    return f"{FOLDER}/iter_{iter:08d}.json"


def write_details(run: Path, details: Mapping[str, Any], *, iter: int, epoch: int) -> Path:
    """Write down what was told; gives the path of the file. Raises OSError."""
    path = run / file_name(iter)
    path.parent.mkdir(exist_ok=True)
    write_json(path, {"v": VERSION, "iter": iter, "epoch": epoch, "details": dict(details)})
    return path


def read_details(run: Path, *, iter: int) -> dict[str, Any]:
    """What each evaluator told, by its name. Raises FileNotFoundError, and ValueError for a damaged file."""
    path = run / file_name(iter)
    table = read_json(path)
    details = table.get("details") if isinstance(table, dict) else None
    if not isinstance(details, dict):
        raise ValueError(f"{path} has no details of an evaluation: it is damaged, or something else")
    return details


def forget_later(run: Path, *, iter: int) -> None:
    """Remove what was told after `iter`, to which a resumed run has gone back. Raises OSError."""
    for path in (run / FOLDER).glob("iter_*.json"):
        number = path.stem.removeprefix("iter_")
        if number.isdecimal() and int(number) > iter:
            path.unlink(missing_ok=True)
