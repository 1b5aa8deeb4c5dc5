"""The state of the global random generators, as a checkpoint holds it."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate.utils import load as load_safely  # torch.load(weights_only=True) that also knows arrays of numbers


def read_random_states(folder: Path, *, rank: int) -> dict[str, Any]:
    """The states of one rank from a folder that `Accelerator.save_state` wrote.

    Accelerate restores them itself, but goes on without a word where the file is missing or cannot be read, and does it
    too early: what is loaded between then and the first step may draw from the same generators.

    Raises:
        FileNotFoundError: Where the rank has no states in it.
    """
    path = folder / f"random_states_{rank}.pkl"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: this checkpoint has no random states for rank {rank}")
    return load_safely(path)


def restore_random_states(states: dict[str, Any]) -> None:
    """Set the generators of Python, NumPy, torch and all CUDA devices to `states`."""
    random.setstate(states["random_state"])
    np.random.set_state(states["numpy_random_seed"])
    torch.set_rng_state(states["torch_manual_seed"])
    if torch.cuda.is_available() and "torch_cuda_manual_seed" in states:
        torch.cuda.set_rng_state_all(states["torch_cuda_manual_seed"])
