"""Agreement between ranks on what to do after a step, at the price of one small collective a second."""

import math
import time
from collections.abc import Collection
from typing import cast

import torch
from accelerate import Accelerator

from specdet.runner.asks import ASKS

PERIOD = 1.0  # s between two agreements, about


class Agreement:
    """Tells every rank at the same step what some rank was asked for.

    A signal reaches ranks at different moments, a command only rank 0, and a rank that leaves the loop alone leaves the
    others waiting in their next collective. So ranks ask each other every few steps: as many as they take in about a
    second, which they know from the same collective. One process needs no agreement and acts at once.
    """

    def __init__(self, accelerator: Accelerator):
        self._accelerator = accelerator
        self._steps = 0  # since the last agreement
        self._interval = 1
        self._since = time.monotonic()

    def agreed(self, asked: Collection[str]) -> Collection[str]:
        """What all ranks act on after this step. Every rank calls it after every step.

        Args:
            asked: What this rank was asked for, of `ASKS`.
        """
        if self._accelerator.num_processes == 1:
            return asked
        self._steps += 1
        if self._steps < self._interval:
            return ()
        now = time.monotonic()
        slots = [float(name in asked) for name in ASKS]
        vector = torch.tensor([*slots, (now - self._since) / self._steps], device=self._accelerator.device)
        *counts, seconds = cast(torch.Tensor, self._accelerator.reduce(vector, reduction="sum")).tolist()
        seconds /= self._accelerator.num_processes
        self._interval = min(max(1, math.floor(PERIOD / max(seconds, 1e-6))), 2 * self._interval)
        self._steps, self._since = 0, time.monotonic()
        return [name for name, count in zip(ASKS, counts, strict=True) if count]
