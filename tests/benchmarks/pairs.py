"""Row: ours beside a peer, from pairs of measurements that were taken in turns."""

import statistics
from collections.abc import Iterable, Sequence

import attrs


@attrs.frozen(kw_only=True)
class Row:
    """One comparison.

    Attributes:
        work: What was measured.
        peer: Beside whom.
        ours_s, peer_s: Medians, s.
        ratio: Ours over the peer's, the median over pairs; `low` and `high` are its quartiles.
        target: The most that it is to be; None where there is no bound.
    """

    work: str
    peer: str
    ours_s: float
    peer_s: float
    ratio: float
    low: float
    high: float
    target: float | None = None


def compared(pairs: Iterable[tuple[float, float]], *, work: str, peer: str, target: float | None = None) -> Row:
    """The row of at least two pairs (ours, the peer's), s."""
    ours, theirs = zip(*pairs, strict=True)
    low, ratio, high = statistics.quantiles([mine / its for mine, its in zip(ours, theirs, strict=True)], n=4)
    return Row(work=work, peer=peer, ours_s=statistics.median(ours), peer_s=statistics.median(theirs), ratio=ratio,
               low=low, high=high, target=target)  # fmt: skip


def print_rows(rows: Sequence[Row]) -> None:
    """A line each, times in ms."""
    print(f"{'':<44} {'peer':<22} {'ours ms':>9} {'peer ms':>9}   ours / peer: median (quartiles), target")
    for row in rows:
        bound = "" if row.target is None else f", at most {row.target:g}"
        times = f"{1000 * row.ours_s:9.3f} {1000 * row.peer_s:9.3f}"
        print(f"{row.work:<44} {row.peer:<22} {times}   {row.ratio:.3f} ({row.low:.3f} to {row.high:.3f}){bound}")
