"""The Accelerator of a run: what the spec says holds, whatever `accelerate config` has left in the environment."""

import os

import torch
from accelerate import Accelerator
from accelerate.state import PartialState
from accelerate.utils import GradientAccumulationPlugin

from specdet.runner.precision import Precision, resolve_precision

# Each would wrap the model in something whose state our checkpoints do not hold.
REFUSED = {
    "ACCELERATE_USE_DEEPSPEED": "DeepSpeed",
    "ACCELERATE_USE_FSDP": "FSDP",
    "ACCELERATE_USE_MEGATRON_LM": "Megatron-LM",
    "ACCELERATE_USE_PARALLELISM_CONFIG": "a parallelism config",
}
ACCELERATE_NAMES = {"fp32": "no", "bf16": "bf16", "fp16": "fp16"}


def make_accelerator(precision: Precision = "fp32", accumulate: int = 1) -> Accelerator:
    """An Accelerator with the precision and the accumulation of the spec.

    Accelerate reads precision, accumulation steps and the compiler from the environment wherever an argument leaves
    room for it, and for accumulation even where not; so none is left room. Accelerate's own rule of always
    stepping on the last batch of a loader is off: the runner drops a group that is not whole, whose gradient would be
    scaled wrongly.

    Raises:
        ValueError: For fp16 on a CPU; for a sharding back end in the environment.
    """
    for variable, what in REFUSED.items():
        if os.environ.get(variable, "false").lower() in ("true", "1"):
            raise ValueError(
                f"{variable} is set, so Accelerate would train with {what}, which specdet cannot checkpoint: "
                f"unset it, or choose plain data parallelism in `accelerate config`"
            )
    resolved = resolve_precision(precision, device=torch.device(PartialState(**_cpu_if_asked()).device or "cpu").type)
    return Accelerator(
        mixed_precision=ACCELERATE_NAMES[resolved],
        gradient_accumulation_plugin=GradientAccumulationPlugin(num_steps=accumulate, sync_with_dataloader=False),
        dynamo_backend="no",
    )


def precision_of(accelerator: Accelerator) -> str:
    """The spec's name of an Accelerator's precision."""
    return next(
        (ours for ours, theirs in ACCELERATE_NAMES.items() if theirs == accelerator.mixed_precision),
        accelerator.mixed_precision,
    )


def _cpu_if_asked() -> dict[str, bool]:
    """PartialState alone does not read ACCELERATE_USE_CPU, as AcceleratorState does."""
    return {"cpu": True} if os.environ.get("ACCELERATE_USE_CPU", "false").lower() in ("true", "1", "yes") else {}
