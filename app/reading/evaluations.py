"""What evaluations measured, as tables: by step, and by class."""

import csv
import io
import math
from collections.abc import Mapping

import attrs

from app.charts.groups import is_of_one_class, natural
from specdet.runs.direction import is_better, lower_is_better

Values = Mapping[str, Mapping[int, float]]  # metric -> step -> value, NaN where it was not finite
MOST_CLASSES = 2000  # rows


@attrs.frozen(kw_only=True)
class Evaluations:
    """Evaluations by step.

    Attributes:
        names: Of the metrics, those of single classes left out.
        rows: A step, and the value of each of `names` then; None where it was not measured.
        best: The step of the best value of each metric, where there is a finite one.
    """

    names: tuple[str, ...]
    rows: tuple[tuple[int, tuple[float | None, ...]], ...]
    best: Mapping[str, int]

    def as_csv(self) -> str:
        """A header and a line a step; numbers in full, nothing where nothing was measured."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("step", *self.names))
        writer.writerows(
            (step, *("" if value is None else repr(value) for value in values)) for step, values in self.rows
        )
        return text.getvalue()


@attrs.frozen(kw_only=True)
class OfClass:
    """A measure of one class: its last value, and its best with its step."""

    measure: str
    name: str
    last: float
    best: float
    best_step: int


def by_step(values: Values) -> Evaluations:
    """Evaluations, newest first."""
    names = tuple(sorted((name for name in values if not is_of_one_class(name)), key=natural))
    steps = sorted({step for name in names for step in values[name]}, reverse=True)
    return Evaluations(
        names=names,
        rows=tuple((step, tuple(values[name].get(step) for name in names)) for step in steps),
        best={name: found[0] for name in names if (found := best_of(name, values[name])) is not None},
    )


def by_class(values: Values) -> list[OfClass]:
    """The measures of single classes, at most `MOST_CLASSES`, sorted by name."""
    found = []
    # Without a value is what was measured only after the step that a resumed run goes on from.
    for name in sorted((name for name in values if is_of_one_class(name) and values[name]), key=natural)[:MOST_CLASSES]:
        prefix, measure, label = name.split("/", 2)
        points = values[name]
        best = best_of(name, points) or (0, math.nan)
        found.append(
            OfClass(
                measure=f"{prefix}/{measure}", name=label, last=points[max(points)], best=best[1], best_step=best[0]
            )
        )
    return found


def best_of(name: str, points: Mapping[int, float]) -> tuple[int, float] | None:
    """Step and value of the best, the first of equals; None where none is finite."""
    found: tuple[int, float] | None = None
    for step, value in points.items():
        than = math.nan if found is None else found[1]
        if math.isfinite(value) and is_better(value, than, lower=lower_is_better(name)):
            found = (step, value)
    return found
