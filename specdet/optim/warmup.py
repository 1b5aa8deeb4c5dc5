"""Warm-up: a factor that leads the learning rate from a small share to the whole."""

from specdet.optim.spec import ScheduleSpec


def warmup_factor(spec: ScheduleSpec, *, iter: int) -> float:
    """The factor for the coming step, 1 once `warmup_iters` steps are done; the formulas of the early mmcv LR hook.

    Args:
        spec: Kind, length and start of the warm-up.
        iter: Optimizer steps done so far.
    """
    if spec.warmup == "none" or iter >= spec.warmup_iters:
        return 1.0
    left = 1.0 - iter / spec.warmup_iters
    match spec.warmup:
        case "constant":
            return spec.warmup_ratio
        case "linear":
            return 1.0 - left * (1.0 - spec.warmup_ratio)
        case "exponential":
            return spec.warmup_ratio**left
