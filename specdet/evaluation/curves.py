"""Average precision: three ways to the area under a curve of precision over recall."""

import numpy as np

ROUNDING = 1e-9  # a recall of 3/10 reaches the point 0.3


def precision_and_recall(right: np.ndarray, *, objects: int) -> tuple[np.ndarray, np.ndarray]:
    """(D,) precision and (D,) recall after each detection, best first.

    Args:
        right: (D,) bool, whether a detection found an object that none before it had found.
        objects: How many there are to find, at least 1.
    """
    found = np.cumsum(right)
    return found / np.arange(1, len(right) + 1), found / objects


def area(precision: np.ndarray, recall: np.ndarray) -> float:
    """The area under the curve that never rises (VOC from 2010 on)."""
    return float((_falling(precision) * np.diff(recall, prepend=0)).sum())


def at_points(precision: np.ndarray, recall: np.ndarray, *, points: int) -> float:
    """The mean of the highest precision at or beyond each of evenly spaced recalls: 11 in VOC 2007, 101 in COCO."""
    wanted = np.arange(points) / (points - 1)
    places = np.searchsorted(recall, wanted - ROUNDING, side="left")
    reached = places < len(recall)
    return float(_falling(precision)[places[reached]].sum() / points)


def _falling(precision: np.ndarray) -> np.ndarray:
    """The highest precision at each place or after it."""
    return np.maximum.accumulate(precision[::-1])[::-1]
