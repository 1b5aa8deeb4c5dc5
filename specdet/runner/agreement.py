"""Agreement between ranks on when to stop, at the price of one small collective a second."""

import math
import time
from typing import cast

import torch
from accelerate import Accelerator

PERIOD = 1.0  # s between two agreements, about
REASONS = ("SIGTERM", "SIGINT")


class Agreement:
    """Tells every rank at the same step that some rank was asked to stop.

    A signal reaches ranks at different moments, and a rank that leaves the loop alone leaves the others waiting in
    their next collective. So ranks ask each other every few steps: as many as they take in about a second, which they
    know from the same collective. One process needs no agreement and stops at once.
    """

    def __init__(self, accelerator: Accelerator):
        self._accelerator = accelerator
        self._steps = 0  # since the last agreement
        self._interval = 1
        self._since = time.monotonic()

    def agreed(self, reason: str | None) -> str | None:
        """The reason to stop that all ranks act on after this step, or None. Every rank calls it after every step.

        Args:
            reason: Why this rank was asked to stop, one of `REASONS`, or None.
        """
        if self._accelerator.num_processes == 1:
            return reason
        self._steps += 1
        if self._steps < self._interval:
            return None
        now = time.monotonic()
        mine = REASONS.index(reason) + 1 if reason else 0
        counts = [float(mine == each + 1) for each in range(len(REASONS))]
        vector = torch.tensor([*counts, (now - self._since) / self._steps], device=self._accelerator.device)
        *asked, seconds = cast(torch.Tensor, self._accelerator.reduce(vector, reduction="sum")).tolist()
        seconds /= self._accelerator.num_processes
        self._interval = min(max(1, math.floor(PERIOD / max(seconds, 1e-6))), 2 * self._interval)
        self._steps, self._since = 0, time.monotonic()
        return next((name for name, count in zip(REASONS, asked, strict=True) if count), None)
