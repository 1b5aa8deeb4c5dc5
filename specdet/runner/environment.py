"""What the bits of a result depend on besides weights and data: kept with a checkpoint, compared on resume."""

from collections.abc import Iterator, Mapping
from typing import Any

import attrs
import tomli
import torch
from accelerate import Accelerator

from specdet.runner.accelerator import precision_of
from specdet.runs.provenance import versions

# Said to resume, or without influence on weights.
NEUTRAL_KEYS = (
    "name",
    "train.resume_from",
    "train.load_from",
    "train.load_strict",
    "train.load_classes",
    "train.accept_differences",
    "train.log_every",
    "train.hang_timeout",
    "train.on_nonfinite",
    "train.max_skipped_steps",
    "data.on_bad_image",
    "data.max_bad_share",
    "hooks.log",
    "hooks.events",
    "hooks.predictions",
)


@attrs.frozen(kw_only=True)
class Environment:
    """What a run is computed with.

    Attributes:
        world_size: Processes.
        threads: CPU threads of each.
        precision: "fp32", "bf16" or "fp16".
        accumulate: Batches of each rank that make one optimizer step.
        seed: The run's seed.
        device: "cpu", or the name of the GPU.
        versions: Of Python and packages.
    """

    world_size: int
    threads: int
    precision: str
    accumulate: int
    seed: int
    device: str
    versions: dict[str, str]

    @classmethod
    def here(cls, accelerator: Accelerator, *, seed: int) -> "Environment":
        """That of this process."""
        device = accelerator.device
        return cls(
            world_size=accelerator.num_processes,
            threads=torch.get_num_threads(),
            precision=precision_of(accelerator),
            accumulate=accelerator.gradient_accumulation_steps,
            seed=seed,
            device=torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
            versions=versions(),
        )


def environment_differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """A line for each thing in which two Environments, as tables, would give other bits."""
    compared = [attribute.name for attribute in attrs.fields(Environment) if attribute.name != "versions"]
    pairs = [(key, then.get(key), now.get(key)) for key in compared]
    pairs += [(key, then.get("versions", {}).get(key), now["versions"].get(key)) for key in ("torch", "accelerate")]
    return [f"{name}: {old} then, {new} now" for name, old, new in pairs if old != new]


def spec_differences(then: str, now: str) -> list[str]:
    """A line for each value in which two resolved specs (TOML texts) differ and that could matter to weights."""
    old, new = dict(_leaves(tomli.loads(then))), dict(_leaves(tomli.loads(now)))
    return [
        f"{path}: {old.get(path, 'nothing')} then, {new.get(path, 'nothing')} now"
        for path in dict.fromkeys((*old, *new))
        if old.get(path) != new.get(path) and not any(path == key or path.startswith(f"{key}.") for key in NEUTRAL_KEYS)
    ]


def _leaves(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
