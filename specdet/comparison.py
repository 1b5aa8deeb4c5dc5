"""Comparison: how runs differ in their specs, beside what came of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from specdet.runs.launch_command import SPEC
from specdet.runs.status import RunStatus, read_status
from specdet.spec import SpecError
from specdet.spec.diff import ABSENT, changes
from specdet.spec.paths import SpecPath
from specdet.spec.read import read_file


@attrs.frozen(kw_only=True)
class Comparison:
    """Runs side by side.

    Attributes:
        differences: By key of the spec that is not the same in all, its value in each, ABSENT where it has none.
    """

    runs: tuple[RunStatus, ...]
    differences: dict[SpecPath, tuple[Any, ...]]

    @property
    def metrics(self) -> list[str]:
        """The names of all metrics that any of them has measured."""
        return list(dict.fromkeys(name for run in self.runs for name in (*run.best, *run.last)))


def compare(directories: Sequence[Path]) -> Comparison:
    """Runs beside the first of them. Raises SpecError where a run's spec cannot be read."""
    tables = [_spec(directory) for directory in directories]
    paths = dict.fromkeys(change.path for table in tables[1:] for change in changes(tables[0], table))
    return Comparison(
        runs=tuple(read_status(directory) for directory in directories),
        differences={path: tuple(_at(table, path) for table in tables) for path in paths},
    )


def _spec(directory: Path) -> Mapping[str, Any]:
    """The resolved spec as it was written: it says all, and needs no version of ours to be understood."""
    path = directory / SPEC
    found = read_file(path)
    if found.closed:
        raise SpecError.one(f"{path}: {found.closed}")
    if found.problem is not None:
        raise SpecError([found.problem])
    return found.table


def _at(table: Mapping[str, Any], path: SpecPath) -> Any:
    """The value at a path; for `order`, which no table says, the keys of the table above."""
    above: Any = table
    for key in path[:-1]:
        above = above.get(key, ABSENT) if isinstance(above, Mapping) else ABSENT
    if not isinstance(above, Mapping):
        return ABSENT
    return above.get(path[-1], [*above] if path[-1] == "order" else ABSENT)
