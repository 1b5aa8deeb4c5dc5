"""MetricWatch: whether a metric has got better since the last look."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from specdet.registry import suggestion
from specdet.runs.direction import is_better

if TYPE_CHECKING:
    from specdet.runner.runner import Runner


@attrs.define(kw_only=True)
class MetricWatch:
    """Follows one metric through the evaluations of a run.

    Attributes:
        metric: Its name.
        lower: Whether less of it is better.
        min_delta: A smaller change does not count.
        best: The best value so far.
        iter: Optimizer steps completed when that was measured.
        seen: The same of the last measurement that was looked at.
    """

    metric: str
    lower: bool
    min_delta: float = 0.0
    best: float | None = None
    iter: int = -1
    seen: int = -1

    def look(self, runner: "Runner") -> bool | None:
        """Whether the value measured at this step is the best so far; None where none was, or it was looked at before.

        Raises:
            ValueError: Where this step measured metrics of the same source (what stands before the "/": "val", or an
                evaluator) but never this one; the message lists those that there are.
        """
        progress = runner.progress
        at = progress.measured.get(self.metric)
        source = self.metric.partition("/")[0]
        siblings = [name for name in progress.measured if name.partition("/")[0] == source]
        if at is None and any(progress.measured[name] == runner.iter for name in siblings):
            known = suggestion(self.metric, progress.metrics) or f" (known: {', '.join(sorted(progress.metrics))})"
            raise ValueError(f"no metric is called '{self.metric}'{known}")
        if at is None or at != runner.iter or at == self.seen:
            return None
        self.seen = at
        value = progress.metrics[self.metric]
        if value != value or (
            self.best is not None and not is_better(value, self.best, lower=self.lower, by=self.min_delta)
        ):
            return False
        self.best, self.iter = value, at
        return True

    def state_dict(self) -> dict[str, Any]:
        """The part that changes."""
        return {"best": self.best, "iter": self.iter, "seen": self.seen}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what `state_dict` gave."""
        self.best, self.iter, self.seen = state["best"], state["iter"], state["seen"]
