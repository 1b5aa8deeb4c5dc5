"""The points of a chart as a table that a browser is sent: few bytes a point, and only those that can be seen."""

from array import array
from collections.abc import Sequence
from typing import Self

import attrs
import numpy as np
import pyarrow as pa

from app.charts.figure import LINES, MARKS, TOLD, VALUE, Axis, Unit, title_of
from app.charts.thin import width_for
from specdet.runs.metrics import Series

FEW = 60  # points of a line; so few are drawn as such
TOLD_OF = 64  # points of a line that tell of themselves, at most
UNITS: dict[Unit, float] = {"minutes": 60.0, "hours": 3600.0}  # s
LARGEST = float(np.finfo(np.float32).max)


@attrs.frozen(kw_only=True, eq=False)
class Line:
    """The K points of a line of a chart that are shown.

    Attributes:
        name: What it is called in the legend.
        steps: (K,) int64, ascending.
        values: (K,) float64; NaN where it was not finite.
        times: (K,) float64, s of training.
        averages: (K,) float64, where it is smoothed.
        best: (K,) bool, the best point, if one is marked.
        count: Of all points, also those that are not shown.
        steps_an_epoch: None where that is not known yet.
    """

    name: str
    steps: np.ndarray
    values: np.ndarray
    times: np.ndarray
    averages: np.ndarray | None = None
    best: np.ndarray | None = None
    count: int
    steps_an_epoch: float | None = None

    @classmethod
    def of(
        cls, series: Series, places: np.ndarray, *, name: str, averages: "array[float] | None" = None,
        best: int | None = None, steps_an_epoch: float | None = None,
    ) -> Self:  # fmt: skip
        """The points of a series at some places. Copies them: the series may grow afterwards."""
        return cls(
            name=name,
            steps=np.frombuffer(series.steps, np.int64)[places],
            values=np.frombuffer(series.values, np.float64)[places],
            times=np.frombuffer(series.times, np.float64)[places],
            averages=None if averages is None else np.frombuffer(averages, np.float64)[places],
            best=None if best is None else places == best,
            count=len(series),
            steps_an_epoch=steps_an_epoch,
        )

    def across(self, axis: Axis) -> np.ndarray:
        """(K,) float64: where the points stand on an axis, time in s; NaN where that is not known yet."""
        return across(axis, steps=self.steps, times=self.times, steps_an_epoch=self.steps_an_epoch)


def across(axis: Axis, *, steps: np.ndarray, times: np.ndarray, steps_an_epoch: float | None) -> np.ndarray:
    """Where points stand on an axis, time in s."""
    if axis == "step":
        return steps.astype(np.float64)
    return times if axis == "time" else steps / (steps_an_epoch or np.nan)


def tables(lines: Sequence[Line], *, axis: Axis, unit: Unit = "hours", log: bool = False) -> dict[str, pa.Table]:
    """What a chart is made of, by the names in `app.charts.figure`. A value that is NaN is null there: a gap.

    The points of the lines have x, y, raw (before smoothing) and name; marks have x, y, name and kind (best, bad where
    it was not finite, dot where there are few); what is told on hovering has columns that are shown as they are called.
    """
    scale = UNITS[unit] if axis == "time" else 1.0
    parts = [_columns(line, line.across(axis) / scale, log=log) for line in lines]
    kinds = {
        "best": [np.zeros(len(line.steps), bool) if line.best is None else line.best for line in lines],
        "bad": [np.isnan(line.values) for line in lines],
        "dot": [np.full(len(line.steps), line.count <= FEW) for line in lines],
    }
    marks = []
    for kind, chosen in kinds.items():
        # A best point is one that was measured, also where the line is an average.
        found = [{**part, "y": part["raw"]} for part in parts] if kind == "best" else parts
        rows = _table(lines, found, chosen, ("x", "y"))
        marks.append(rows.append_column("kind", pa.array([kind] * len(rows), pa.string())))
    return {
        LINES: _table(lines, parts, [np.ones(len(line.steps), bool) for line in lines], ("x", "y", "raw")),
        MARKS: pa.concat_tables(marks),
        TOLD: _told(lines, parts, x=title_of(axis, unit)),
    }


def _columns(line: Line, x: np.ndarray, *, log: bool) -> dict[str, np.ndarray]:
    raw, shown = line.values, line.values if line.averages is None else line.averages
    if log:
        raw, shown = (np.where(values > 0, values, np.nan) for values in (raw, shown))
    steps = np.minimum(line.steps, np.iinfo(np.int32).max).astype(np.int32)
    return {"x": _narrow(x), "y": _narrow(shown), "raw": _narrow(raw), "step": steps}


def _told(lines: Sequence[Line], parts: Sequence[dict[str, np.ndarray]], *, x: str) -> pa.Table:
    """Of many points some, which stay the same as more come: the last of each of wide cells."""
    told: list[dict[str, np.ndarray]] = []
    for line, part in zip(lines, parts, strict=True):
        rows = np.diff(line.steps // width_for(line.steps, limit=TOLD_OF), append=-1) != 0
        columns = {x: _short(part["x"][rows]), "step": part["step"][rows], VALUE: _short(part["y"][rows])}
        told.append(columns if line.averages is None else {**columns, "measured": _short(part["raw"][rows])})
    every = [np.ones(len(columns["step"]), bool) for columns in told]
    return _table(lines, told, every, tuple(told[0]) if told else ())


def _short(values: np.ndarray) -> np.ndarray:
    """float64 with as many digits as people read."""
    return np.array([float(f"{value:.5g}") for value in values.tolist()], np.float64)


def _table(
    lines: Sequence[Line], parts: Sequence[dict[str, np.ndarray]], chosen: Sequence[np.ndarray], keys: Sequence[str]
) -> pa.Table:
    """Some columns of the chosen rows of each line, with its name."""
    names = pa.array([line.name for line in lines], pa.string())
    which = [np.full(np.count_nonzero(rows), number, np.int8) for number, rows in enumerate(chosen)]
    columns = {
        key: pa.array(_joined([part[key][rows] for part, rows in zip(parts, chosen, strict=True)]), from_pandas=True)
        for key in keys
    }
    return pa.table({**columns, "name": pa.DictionaryArray.from_arrays(pa.array(_joined(which), pa.int8()), names)})


def _joined(arrays: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate(arrays) if arrays else np.empty(0)


def _narrow(values: np.ndarray) -> np.ndarray:
    """float32 of finite numbers, the largest of them for what is larger; NaN stays."""
    return np.clip(values, -LARGEST, LARGEST).astype(np.float32)
