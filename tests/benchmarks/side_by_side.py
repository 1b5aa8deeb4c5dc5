"""What benchmarks share: ours and a peer in turns, and a table of what was found."""

import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

import attrs


@attrs.frozen(kw_only=True)
class Row:
    """Ours beside one peer on one piece of work.

    Attributes:
        work: What is done.
        peer: Who else does it.
        ours_s: Median, s; MB where `unit` says so.
        peer_s: The peer's, likewise.
        ratio: Ours over the peer's: the median over pairs that were taken one after the other.
        low: First quartile of that.
        high: Third quartile.
        target: The most that `ratio` may be; None where nothing is promised.
        unit: Of the two medians.
    """

    work: str
    peer: str
    ours_s: float
    peer_s: float
    ratio: float
    low: float
    high: float
    target: float | None = None
    unit: Literal["s", "MB"] = "s"


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def in_turns(sides: Mapping[str, Callable[[], float]], *, rounds: int) -> dict[str, list[float]]:
    """What each side says that it took, s, a number a round.

    All sides have their turn in each round, in an order that is reversed from one round to the next, so that whatever
    else the machine does falls on all. A round before the first fills caches and does not count.
    """
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(-1, rounds):
        for name in list(sides)[:: 1 if number % 2 else -1]:
            spent = sides[name]()
            if number >= 0:
                taken[name].append(spent)
    return taken


def compared(
    pairs: Iterable[tuple[float, float]],
    *,
    work: str,
    peer: str,
    target: float | None = None,
    unit: Literal["s", "MB"] = "s",
) -> Row:
    """The row of (ours, the peer's), at least two of them."""
    pairs = list(pairs)
    low, ratio, high = statistics.quantiles([mine / its for mine, its in pairs], n=4)
    mine, its = (statistics.median(side) for side in zip(*pairs, strict=True))
    return Row(work=work, peer=peer, ours_s=mine, peer_s=its, ratio=ratio, low=low, high=high, target=target, unit=unit)


def rows_of(
    taken: Mapping[str, Sequence[float]], *, work: str, ours: str, targets: Mapping[str, float] | None = None
) -> list[Row]:
    """A row for each side of `in_turns` but ours; `targets` by peer."""
    return [
        compared(zip(taken[ours], taken[peer], strict=True), work=work, peer=peer, target=(targets or {}).get(peer))
        for peer in taken
        if peer != ours
    ]


def print_rows(rows: Iterable[Row]) -> None:
    """A line for each, as it comes."""
    print(f"{'':<60} {'ours':>11} {'its':>11}   ours over its: median (quartiles), at most", flush=True)
    for row in rows:
        name = f"{row.work}, beside {row.peer}"
        sides = " ".join(f"{_amount(side, row.unit):>11}" for side in (row.ours_s, row.peer_s))
        spread = f"{row.ratio:6.3f} ({row.low:.3f} to {row.high:.3f})"
        target = "" if row.target is None else f"  {row.target:.3f}{'' if row.ratio <= row.target else '  MISSED'}"
        print(f"{name:<60} {sides}   {spread}{target}", flush=True)


def _amount(value: float, unit: Literal["s", "MB"]) -> str:
    return f"{1000 * value:.3f} ms" if unit == "s" else f"{value:.1f} MB"
