"""Picking: which runs are picked in a table whose rows come, go and change places while one looks at it."""

from collections.abc import Collection, Iterable, Sequence


def rows_of(shown: Sequence[str], picked: Collection[str]) -> list[int]:
    """The rows at which what is picked stands now."""
    return [row for row, each in enumerate(shown) if each in picked]


def picked_after(picked: Iterable[str], *, shown: Sequence[str], rows: Iterable[int]) -> tuple[str, ...]:
    """What is picked once these rows of what was shown are: what other pages show stays as it was."""
    before = (each for each in picked if each not in shown)
    return (*before, *(shown[row] for row in sorted(rows) if 0 <= row < len(shown)))


def still_there(picked: Iterable[str], there: Collection[str]) -> tuple[str, ...]:
    """What is picked and still listed: nothing is done to what one cannot see."""
    return tuple(each for each in picked if each in there)
