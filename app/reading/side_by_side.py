"""Runs side by side: what each is called, and tables with a column for each, in the order that was asked for."""

from collections.abc import Sequence
from math import isclose

import attrs

from app.charts.groups import natural
from specdet.comparison import Comparison
from specdet.runs.direction import lower_is_better
from specdet.runs.status import RunStatus
from specdet.runs.words import MAIN_METRICS
from specdet.spec.diff import ABSENT
from specdet.spec.paths import dotted
from specdet.spec.values import value_text

FEW = 4  # metrics that are looked at first
ROUNDING = 1e-9  # what is closer than that, relative to its size, is the same
LONGEST_NAME = 28  # characters of a name


def labels(runs: Sequence[RunStatus]) -> list[str]:
    """What each run is called, short and each its own: its name, and the end of its id where that is not enough."""
    names = [run.name if len(run.name) <= LONGEST_NAME else f"{run.name[: LONGEST_NAME - 3]}..." for run in runs]
    said = [name if names.count(name) == 1 else f"{name} {run.id[-4:]}" for name, run in zip(names, runs, strict=True)]
    return [label if said.count(label) == 1 else f"{place}. {label}" for place, label in enumerate(said, start=1)]


@attrs.frozen(kw_only=True)
class MetricRow:
    """A metric in each run.

    Attributes:
        last, best: By run; None for a run that has not measured it, or where it was not finite.
        best_step: By run; 0 where there is no best.
    """

    name: str
    last: tuple[float | None, ...]
    best: tuple[float | None, ...]
    best_step: tuple[int, ...]

    @property
    def winner(self) -> int | None:
        """Which run has the best; None where fewer than two have one, or the best is that of several."""
        found = [value for value in self.best if value is not None]
        if len(found) < 2:
            return None
        most = min(found) if lower_is_better(self.name) else max(found)
        equal = sum(isclose(value, most, rel_tol=ROUNDING) for value in found)
        return self.best.index(most) if equal == 1 else None


def metric_rows(runs: Sequence[RunStatus]) -> list[MetricRow]:
    """The metrics that any of the runs has measured in an evaluation, those first that say most."""
    names = {name for run in runs for name in run.best}
    order = sorted(names, key=lambda name: (MAIN_METRICS.index(name) if name in MAIN_METRICS else 99, natural(name)))
    return [
        MetricRow(
            name=name,
            last=tuple(run.last.get(name) for run in runs),
            best=tuple(run.best.get(name) for run in runs),
            best_step=tuple(run.best_iter.get(name, 0) for run in runs),
        )
        for name in order
    ]


def spec_rows(compared: Comparison) -> list[tuple[str, tuple[str, ...]]]:
    """Keys of the spec that are not the same in all runs, with the value in each as text; a dash for none."""
    return [
        (dotted(path), tuple("-" if value is ABSENT else value_text(value, one_line=True) for value in values))
        for path, values in compared.differences.items()
    ]


def delta(value: float | None, first: float | None) -> str:
    """A value, and how much more or less than the first run's it is."""
    if value is None:
        return ""
    if first is None:
        return f"{value:.4g}"
    more = 0.0 if isclose(value, first, rel_tol=ROUNDING) else value - first
    return f"{value:.4g} ({more:+.3g})"


def default_metrics(names: Sequence[str]) -> list[str]:
    """Which metrics to look at first: those that say most, and the loss."""
    wanted = [name for name in (*MAIN_METRICS, "loss", "lr") if name in names]
    return wanted[:FEW] or list(names)[:FEW]
