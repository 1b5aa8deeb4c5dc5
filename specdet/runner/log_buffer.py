"""LogBuffer: averages of what is logged, gathered without making the host wait for the device."""

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

import attrs
import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from torch import Tensor

FOLD_AT = 64  # rows kept before they are summed: bounds memory, and one sum of 64 rows is cheaper than 64 sums


@attrs.define
class _Group:
    """What is known of one set of names: (K,) rows not summed yet with their weights, and the (3, K) sums so far."""

    rows: list[Tensor] = attrs.field(factory=list)
    weights: list[float] = attrs.field(factory=list)
    sums: Tensor | None = None

    def fold(self) -> Tensor:
        """The (3, K) float32 sums: of weighted values, of weights, and of how many values were not finite."""
        if self.rows:
            rows = torch.stack(self.rows).float()
            weights = torch.tensor(self.weights).to(rows.device, non_blocking=True)[:, None]
            fresh = torch.stack([
                (rows * weights).sum(0), weights.sum(0).expand(rows.shape[1]), (~rows.isfinite()).sum(0).float()
            ])  # fmt: skip
            self.sums = fresh if self.sums is None else self.sums + fresh
            self.rows.clear()
            self.weights.clear()
        assert self.sums is not None
        return self.sums


class LogBuffer:
    """Averages named scalars over a window and over all ranks, each value weighted by its number of samples.

    `update` keeps device scalars where they are. `average` makes one vector of everything, reduces it once over the
    ranks and reads it once; the same vector says which values were not finite. Only in a window in which some rank has
    a name for the first time are the names gathered too, so that ranks may have different ones (an auxiliary loss that
    starts late, a rank whose validation share is empty).

    Attributes:
        output: The last averages by name, and what hooks add to them (learning rate, times).
        nonfinite: Of the last averages, the names with values that were not finite, and how many.
        samples: How many samples, of all ranks together, the last averages are of.
        ready: Whether `output` is that of a window that has just ended.
    """

    def __init__(self, accelerator: Accelerator):
        self._accelerator = accelerator
        self._groups: dict[tuple[str, ...], _Group] = {}
        self._agreed: tuple[str, ...] = ()
        self.output: dict[str, float] = {}
        self.nonfinite: dict[str, int] = {}
        self.samples = 0.0
        self.ready = False

    @property
    def pending(self) -> bool:
        """Whether there are values that no average has yet. Ranks that take the same steps agree on it."""
        return bool(self._groups)

    def update(self, log_vars: Mapping[str, Tensor | float], num_samples: int = 1) -> Tensor | None:
        """Add values of () shape, on the device or the host, that stand for `num_samples` samples each.

        Returns:
            (K,) the values, on the device; None where there are none.
        """
        if not log_vars:
            return None
        names = tuple(log_vars)
        group = self._groups.get(names)
        if group is None:
            group = self._groups[names] = _Group()
        # One row is one launch, and a copy: values that a compiled graph overwrites at its next call are safe.
        group.rows.append(_row(log_vars.values(), self._accelerator.device))
        group.weights.append(float(num_samples))
        row = group.rows[-1]
        if len(group.rows) >= FOLD_AT:
            group.fold()
        return row

    def average(self) -> dict[str, float]:
        """End the window: `output` gets the averages over all ranks. Every rank calls it at the same step."""
        sums, weights, bad = self._read()
        self.output = {
            name: value / max(weight, 1e-12)
            for name, value, weight in zip(self._agreed, sums, weights, strict=True)
            if weight
        }
        self.nonfinite = {name: int(count) for name, count in zip(self._agreed, bad, strict=True) if count}
        self.samples = max(weights, default=0.0)  # a name that only some ranks or steps have stands for fewer
        self._groups.clear()
        self.ready = True
        return self.output

    def peek_nonfinite(self) -> dict[str, int]:
        """As `nonfinite`, of the window that is still open, which goes on. Every rank calls it at the same step."""
        _, _, bad = self._read()
        return {name: int(count) for name, count in zip(self._agreed, bad, strict=True) if count}

    def clear_output(self) -> None:
        """Forget the last averages."""
        self.output, self.nonfinite, self.samples, self.ready = {}, {}, 0.0, False

    def clear(self) -> None:
        """Forget everything, the open window too."""
        self._groups.clear()
        self.clear_output()

    def _read(self) -> tuple[Sequence[float], Sequence[float], Sequence[float]]:
        sums = {}  # name -> (3,)
        for names, group in self._groups.items():
            folded = group.fold()
            for name, column in zip(names, folded.unbind(1), strict=True):
                sums[name] = sums[name] + column if name in sums else column
        unknown = len(sums.keys() - set(self._agreed))
        if self._accelerator.num_processes == 1:
            self._agreed = tuple(dict.fromkeys((*self._agreed, *sums)))
            unknown = 0
        values = self._reduce(sums, unknown)
        if values[-1]:
            names = gather_object([*sums])  # the names of all ranks, one after the other
            self._agreed = tuple(dict.fromkeys((*self._agreed, *sorted(names))))
            values = self._reduce(sums, 0)
        count = len(self._agreed)
        return values[:count], values[count : 2 * count], values[2 * count : 3 * count]

    def _reduce(self, sums: Mapping[str, Tensor], unknown: int) -> list[float]:
        """The sums of the agreed names over all ranks, and how many names are not agreed, in one reduction."""
        device = self._accelerator.device
        absent = torch.zeros(3, device=device)
        table = torch.stack([*(sums.get(name, absent) for name in self._agreed), absent], dim=1)
        vector = torch.cat([table[:, :-1].flatten(), torch.full((1,), float(unknown), device=device)])
        return cast(Tensor, self._accelerator.reduce(vector, reduction="sum")).tolist()


def _row(values: Iterable[Tensor | float], device: torch.device) -> Tensor:
    with torch.no_grad():
        return torch.stack([
            (value if value.device == device else value.to(device, non_blocking=True))
            if isinstance(value, Tensor)
            else torch.full((), value, device=device)
            for value in values
        ])  # fmt: skip
