"""RecentSteps: which images the last steps were taken on, and what their losses were, for when something goes wrong."""

import math
from collections import deque
from typing import Any

import attrs
from torch import Tensor

MOST = 256  # batches that are remembered: some kB
BESIDE = 5  # steps before and after the first bad one that are told


@attrs.frozen(kw_only=True, eq=False)
class Step:
    """A batch of one optimizer step, as it lies on the device.

    Attributes:
        iter: The step, counted from 1.
        image_ids: (N,) int64; None of batches that do not tell.
        names, row: What was logged, (K,) values.
    """

    iter: int
    image_ids: Tensor | None
    names: tuple[str, ...]
    row: Tensor

    def values(self) -> dict[str, float]:
        """What was logged by name; waits for the device."""
        return dict(zip(self.names, self.row.tolist(), strict=True))


class RecentSteps:
    """Remembers without reading anything from the device."""

    def __init__(self) -> None:
        self._steps: deque[Step] = deque(maxlen=MOST)

    def note(self, iter: int, batch: Any, *, names: tuple[str, ...], row: Tensor) -> None:
        """Remember a batch of the step `iter`; `row` has what was logged under `names`."""
        image_ids = getattr(batch, "image_ids", None)
        self._steps.append(Step(iter=iter, image_ids=image_ids, names=names, row=row))

    def clear(self) -> None:
        """Forget all."""
        self._steps.clear()

    def around_first_bad(self) -> list[dict[str, Any]]:
        """The first batch with a value that is no finite number and its neighbours, as JSON values; [] without one.

        Each says `iter`, `image_ids`, `values` by name (null where not finite) and the names that are `nonfinite`.
        """
        found = [(step, step.values()) for step in self._steps]
        bad = [not all(map(math.isfinite, values.values())) for _, values in found]
        if not any(bad):
            return []
        first = bad.index(True)
        return [_told(step, values) for step, values in found[max(0, first - BESIDE) : first + BESIDE + 1]]


def _told(step: Step, values: dict[str, float]) -> dict[str, Any]:
    nonfinite = [name for name, value in values.items() if not math.isfinite(value)]
    return {
        "iter": step.iter,
        "image_ids": None if step.image_ids is None else step.image_ids.tolist(),
        "values": {**values, **dict.fromkeys(nonfinite)},
        "nonfinite": nonfinite,
    }
