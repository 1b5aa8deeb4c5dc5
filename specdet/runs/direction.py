"""Which way a metric is to go, and whether it did."""


def lower_is_better(metric: str) -> bool:
    """Whether less of a metric is better: true of losses, by their names."""
    return "loss" in metric.split("/")


def is_better(value: float, than: float, *, lower: bool, by: float = 0.0) -> bool:
    """Whether `value` improves on `than` by more than `by`; never true of NaN, and any number improves on NaN."""
    if than != than:
        return value == value
    return value < than - by if lower else value > than + by
