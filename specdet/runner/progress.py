"""Progress: how far a run has come."""

from collections.abc import Mapping
from typing import Any

import attrs

from specdet.runs.direction import is_better, lower_is_better


@attrs.define(kw_only=True)
class Best:
    """The best value of a metric so far, and the optimizer steps that were completed when it was measured."""

    value: float
    iter: int


@attrs.define(kw_only=True)
class Progress:
    """The position of a run, in numbers that JSON can say. Only the runner changes it.

    Attributes:
        iter: Optimizer steps completed; the one clock that everything is measured on.
        epoch: Training epochs completed.
        batch: Batches of the current epoch that this rank has consumed.
        entry: Index into the workflow.
        done: Epochs completed of that entry, in this cycle.
        skipped_steps: Of `iter`, the steps that were left out because their gradient was not finite.
        skipped_in_a_row: How many of them were the last ones; the fp16 scaler's are not counted.
        guarded_until: `iter` up to which steps with such gradients are left out, after going back.
        metrics: The last value of each metric.
        measured: `iter` when it was measured.
        best: The best value of each metric.
        records: How often metrics were taken over.
    """

    iter: int = 0
    epoch: int = 0
    batch: int = 0
    entry: int = 0
    done: int = 0
    skipped_steps: int = 0
    skipped_in_a_row: int = 0
    guarded_until: int = 0
    metrics: dict[str, float] = attrs.field(factory=dict)
    measured: dict[str, int] = attrs.field(factory=dict)
    best: dict[str, Best] = attrs.field(factory=dict)
    records: int = 0

    def record(self, metrics: Mapping[str, float]) -> None:
        """Take over metrics that were measured now."""
        self.records += 1
        for name, value in metrics.items():
            self.metrics[name] = value
            self.measured[name] = self.iter
            best = self.best.get(name)
            if best is None or is_better(value, best.value, lower=lower_is_better(name)):
                self.best[name] = Best(value=value, iter=self.iter)

    def to_table(self) -> dict[str, Any]:
        """As JSON values."""
        return attrs.asdict(self)

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> "Progress":
        """What `to_table` gave. Raises ValueError for a table that another version of specdet has made."""
        try:
            return cls(**{**table, "best": {name: Best(**best) for name, best in table["best"].items()}})
        except (TypeError, KeyError) as error:
            raise ValueError(f"this position was written by another version of specdet: {error}") from error
