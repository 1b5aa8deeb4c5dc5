"""What a difference between a checkpoint and the run that goes on from it changes, in a few words."""

from collections.abc import Mapping
from typing import Any

MEASURED = "what metrics, and with them `best`, mean"
RATE = "the learning rate of the remaining steps"

# The longest prefix holds; what has none here is listed without words.
OF_KEYS = {
    "seed": "the order of the images, and all that is drawn",
    "plugins": "code of your own",
    "model": "another network, or other losses",
    "model.preprocess": "what the network sees of an image",
    "model.train": "other targets, or other losses",
    "model.test": MEASURED,
    "data.root": "other images, unless they are the same ones at another place",
    "data.train": "other images, or another order",
    "data.train_transforms": "what is done to the images that are trained on",
    "data.train_proposals": "the boxes that are trained on",
    "data.max_proposals": "the boxes that are trained on",
    "data.images_per_device": "batches of another size",
    "data.group_by_aspect": "another order of the images",
    "data.size_divisor": "how images are padded",
    "data.val": MEASURED,
    "data.val_transforms": MEASURED,
    "data.val_proposals": MEASURED,
    "data.val_images_per_device": "how images are padded in evaluations",
    "eval": MEASURED,
    "optimizer": "how gradients become updates",
    "optimizer.implementation": "rounding",
    "schedule": RATE,
    "schedule.warmup": "the learning rate of a warm-up that is not over",
    "schedule.warmup_iters": "the learning rate of a warm-up that is not over",
    "schedule.warmup_ratio": "the learning rate of a warm-up that is not over",
    "train.accumulate": "batches of another size",
    "train.workflow": "what follows on what",
    "hooks.order": "what comes first in a step",
}
OF_HOOKS = {
    "Checkpoint": "which checkpoints are kept",
    "EMA": "the averaged weights",
    "EarlyStopping": "when it ends",
    "Evaluation": "when metrics are measured, so which weights are `best`",
    "Optimizer": "how gradients become updates",
}
OF_ENVIRONMENT = {
    "world_size": "other batches, and other numbers drawn",
    "threads": "rounding",
    "precision": "rounding",
    "accumulate": "batches of another size",
    "seed": OF_KEYS["seed"],
    "device": "rounding",
    "torch": "rounding, or more",
    "accelerate": "rounding, or more",
}
LENGTHS = ("train.max_epochs", "train.max_iters")
COUNT_FROM_THE_START = ("Constant", "Step")
COUNT_TO_THE_END = ("Cosine", "Poly")


def of_key(path: str, tables: tuple[Mapping[str, Any], Mapping[str, Any]]) -> str:
    """What another value of a spec's key changes, or an empty string.

    Args:
        path: The key, as in "train.max_epochs".
        tables: The specs then and now.
    """
    if path in LENGTHS:
        return _of_length(tables[1].get("schedule", {}))
    if path.startswith("hooks.") and path != "hooks.order":
        name = path.split(".")[1]
        kinds = {table["hooks"][name].get("type") for table in tables if name in table.get("hooks", {})}
        return OF_HOOKS.get(kinds.pop(), "") if len(kinds) == 1 else ""
    prefixes = [key for key in OF_KEYS if path == key or path.startswith(f"{key}.")]
    return OF_KEYS[max(prefixes, key=len)] if prefixes else ""


def _of_length(schedule: Mapping[str, Any]) -> str:
    """Some schedules spread over the whole training, so that another length is another rate at each step."""
    kind = schedule.get("type")
    if kind in COUNT_TO_THE_END and schedule.get("min_factor") != 1.0:
        return f"when it ends, and {RATE}"
    known = kind in (*COUNT_FROM_THE_START, *COUNT_TO_THE_END)
    return "when it ends" if known else f"when it ends, and maybe {RATE}"
