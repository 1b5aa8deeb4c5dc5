"""What the bits of a result depend on besides weights and data: kept with a checkpoint, compared on resume."""

from collections.abc import Iterator, Mapping
from typing import Any

import attrs
import tomli
import torch
from accelerate import Accelerator

from specdet.runner.accelerator import precision_of
from specdet.runner.consequences import OF_ENVIRONMENT, of_key
from specdet.runs.provenance import versions

# Said to resume, without influence on weights, told by other keys (what is unset is missing, the order is compared for
# itself), or compared as what it comes to (precision and threads, see `Environment`).
NEUTRAL_KEYS = (
    "name",
    "unset",
    "hooks.order",
    "train.resume_from",
    "train.load_from",
    "train.load_strict",
    "train.load_classes",
    "train.accept_differences",
    "train.log_every",
    "train.hang_timeout",
    "train.on_nonfinite",
    "train.max_skipped_steps",
    "train.precision",
    "train.threads_per_process",
    "data.on_bad_image",
    "data.max_bad_share",
    "data.workers_per_device",
)
# By type: what a hook is called is up to the spec.
NEUTRAL_HOOKS = ("TextLog", "Events", "TensorBoard", "Predictions")
NEUTRAL_KEYS_OF_HOOKS = {"Checkpoint": ("every", "keep_last")}
ORDER = "order"


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
    """A line for each thing in which two Environments, as tables, would give other bits, and what it changes."""
    compared = [attribute.name for attribute in attrs.fields(Environment) if attribute.name != "versions"]
    pairs = [(key, then.get(key), now.get(key)) for key in compared]
    pairs += [(key, then.get("versions", {}).get(key), now["versions"].get(key)) for key in ("torch", "accelerate")]
    return [difference(name, old, new, changes=OF_ENVIRONMENT[name]) for name, old, new in pairs if old != new]


def spec_differences(then: str, now: str) -> list[str]:
    """A line for each value in which two resolved specs (TOML texts) differ and that could matter to the result."""
    tables = tomli.loads(then), tomli.loads(now)
    (old, old_order), (new, new_order) = ((dict(_telling_leaves(table)), _order_of_hooks(table)) for table in tables)
    common = [
        [name for name in order if f"hooks.{name}.type" in both] for order, both in ((old_order, new), (new_order, old))
    ]
    if common[0] != common[1]:
        old["hooks.order"], new["hooks.order"] = (", ".join(names) for names in common)
    return [
        difference(path, old.get(path, "nothing"), new.get(path, "nothing"), changes=of_key(path, tables))
        for path in dict.fromkeys((*old, *new))
        if old.get(path) != new.get(path)
    ]


def difference(name: str, then: Any, now: Any, *, changes: str = "") -> str:
    """The line for one thing that differs."""
    return f"{name}: {then} then, {now} now" + (f" ({changes})" if changes else "")


def _telling_leaves(spec: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Path and value of all that could matter."""
    skipped = [*NEUTRAL_KEYS]
    for name, hook in _hooks(spec).items():
        if hook.get("type") in NEUTRAL_HOOKS:
            skipped.append(f"hooks.{name}")
        skipped += [f"hooks.{name}.{key}" for key in NEUTRAL_KEYS_OF_HOOKS.get(hook.get("type", ""), ())]
    for path, value in _leaves(spec):
        if not any(path == key or path.startswith(f"{key}.") for key in skipped):
            yield path, value


def _hooks(spec: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {name: hook for name, hook in spec.get("hooks", {}).items() if name != ORDER}


def _order_of_hooks(spec: Mapping[str, Any]) -> list[str]:
    """Of those that could matter; it is written only where it is not the one that they would have anyway."""
    hooks = _hooks(spec)
    return [name for name in spec.get("hooks", {}).get(ORDER, hooks) if hooks[name].get("type") not in NEUTRAL_HOOKS]


def _leaves(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
