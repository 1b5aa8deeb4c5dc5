"""EMAHook: an exponential moving average of the weights."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from specdet.runner.hooks.base import Hook
from specdet.runner.spec import EMAHookSpec

if TYPE_CHECKING:
    from specdet.runner.runner import Runner


class AveragedWeights:
    """A second set of weights beside a model's: parameters averaged, buffers copied.

    Args:
        model: The unwrapped model; the average starts at its weights.
    """

    def __init__(self, model: nn.Module):
        self._live = {name: value.detach() for name, value in model.state_dict(keep_vars=True).items()}
        self._kept = {name: value.clone() for name, value in self._live.items()}
        averaged = {name for name, value in model.named_parameters(remove_duplicate=False) if value.is_floating_point()}
        self._parameters = [name for name in self._live if name in averaged]
        self._buffers = [name for name in self._live if name not in averaged]

    @torch.no_grad()
    def update(self, decay: float) -> None:
        """Move the average to `decay` of itself and the rest of the model's weights."""
        torch._foreach_lerp_(_pick(self._kept, self._parameters), _pick(self._live, self._parameters), 1.0 - decay)  # pyright: ignore[reportPrivateImportUsage]
        if self._buffers:
            torch._foreach_copy_(_pick(self._kept, self._buffers), _pick(self._live, self._buffers))  # pyright: ignore[reportPrivateImportUsage]

    @contextmanager
    def swapped_in(self) -> Iterator[None]:
        """The model has the averaged weights; afterwards it has its own again, bit for bit.

        Values are copied, not exchanged by reference: optimizers, DDP and compiled graphs keep seeing the same memory.
        """
        names = list(self._live)
        own = [value.clone() for value in self._live.values()]
        with torch.no_grad():
            torch._foreach_copy_(_pick(self._live, names), _pick(self._kept, names))  # pyright: ignore[reportPrivateImportUsage]
        try:
            yield
        finally:
            with torch.no_grad():
                torch._foreach_copy_(_pick(self._live, names), own)  # pyright: ignore[reportPrivateImportUsage]

    def tensors(self) -> dict[str, Tensor]:
        """The averaged weights under the model's names."""
        return dict(self._kept)

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over what `tensors` gave. Raises ValueError where the names are others."""
        if tensors.keys() != self._kept.keys():
            odd = ", ".join(sorted(tensors.keys() ^ self._kept.keys()))
            raise ValueError(f"these averaged weights are of another model; they differ in {odd}")
        for name, value in self._kept.items():
            value.copy_(tensors[name])


class EMAHook(Hook):
    """Averages the weights after each step, and has the runner evaluate and validate with the average."""

    priority: ClassVar[str] = "ABOVE_NORMAL"

    def __init__(self, spec: EMAHookSpec):
        self.spec = spec
        self._updates = 0
        self._weights: AveragedWeights | None = None

    def before_run(self, runner: "Runner") -> None:
        if runner.averaged is not self._weights:
            raise ValueError("another EMA hook keeps averaged weights already: use one")
        if self._weights is None:  # a second run of the same runner goes on with its average
            self._weights = runner.averaged = AveragedWeights(runner.unwrapped_model)

    def after_train_iter(self, runner: "Runner") -> None:
        assert self._weights is not None, "before_run comes first"
        if runner.nonfinite.left_out:
            return
        self._updates += 1
        warm = 1.0 - math.exp(-self._updates / self.spec.warmup) if self.spec.warmup else 1.0
        self._weights.update(self.spec.decay * warm)

    def state_dict(self) -> dict[str, Any]:
        return {"updates": self._updates}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._updates = state["updates"]


def _pick(tensors: Mapping[str, Tensor], names: list[str]) -> list[Tensor]:
    return [tensors[name] for name in names]
