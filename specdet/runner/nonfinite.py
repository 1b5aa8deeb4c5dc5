"""What happens when a loss is no number any more."""

from collections.abc import Mapping


def raise_for_nonfinite(counts: Mapping[str, int], *, first_iter: int, last_iter: int, precision: str) -> None:
    """End the run if a loss was NaN or infinite; other values, such as a gradient norm, may be.

    Args:
        counts: How many values were not finite, by name.
        first_iter, last_iter: The optimizer steps that were counted over, the first one being 1.

    Raises:
        FloatingPointError: With the names of the losses, the window, and what to try.
    """
    losses = {name: count for name, count in counts.items() if "loss" in name.split("/")}
    if not losses:
        return
    listed = ", ".join(f"{name} ({count} times)" for name, count in sorted(losses.items()))
    remedies = ["lower optimizer.lr or lengthen the schedule's warm-up", "clip gradients (hooks.optimizer.grad_clip)",
                "look at the data with `specdet check --data`"]  # fmt: skip
    if precision == "fp16":
        remedies.insert(0, 'set train.precision to "bf16" or "fp32"')
    raise FloatingPointError(
        f"not a finite number between iter {first_iter} and {last_iter}: {listed}. Things to try: {'; '.join(remedies)}"
    )
