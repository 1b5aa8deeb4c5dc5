"""CPU threads of a process."""

import os
from typing import Literal

import torch

from specdet.runs.provenance import cores


def set_threads(threads: int | Literal["auto"] = "auto", *, local_world_size: int | None = None) -> int:
    """Set how many threads torch computes with on the CPU, and give the number.

    Launchers differ (`accelerate launch` sets one, others leave all cores to every process), and sums over another
    number of threads differ in their last bits, so a run sets it and its checkpoints record it.

    Args:
        threads: A number, or "auto" for the cores of this process shared between the processes of this machine.
        local_world_size: How many those are; what the launcher says in LOCAL_WORLD_SIZE unless given.
    """
    if threads == "auto":
        processes = local_world_size or int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
        threads = max(1, cores() // processes)
    torch.set_num_threads(threads)
    return threads
