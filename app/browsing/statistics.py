"""Statistics of sets beside each other: rows for charts and for tables, counted from columns."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
import numpy as np

from app.browsing.choice import AREAS
from app.browsing.columns import Columns

Sets = Mapping[str, Columns]
SIDES = 2.0 ** np.arange(0, 12.5, 0.5)  # px, edges of the bins of box sides
RATIOS = 2.0 ** np.arange(-4, 4.5, 0.5)  # edges of the bins of width / height
MOST_BOXES = 30  # of an image, told apart in the chart
MOST_SIZES = 1500  # of images, told apart in the chart; the most frequent ones


@attrs.frozen(kw_only=True)
class Bar:
    """One bar: so many of a set, and their share of all of it, in percent.

    Attributes:
        set: Which set.
        what: What is counted, in words.
        order: Where it stands.
        count, share: How many, and of all of that set.
        more: A second count, of images.
    """

    set: str
    what: str
    order: int
    count: int
    share: float
    more: int | None = None


def classes(sets: Sets) -> list[Bar]:
    """Boxes of each class that are no crowds, with how many images have one; the most frequent class first."""
    names = list(dict.fromkeys(name for columns in sets.values() for name in columns.classes))
    counted = {name: _per_class(columns) for name, columns in sets.items()}
    total = {name: sum(counts.get(name, (0, 0))[0] for counts in counted.values()) for name in names}
    places = {name: place for place, name in enumerate(sorted(names, key=lambda name: -total[name]))}
    return [
        Bar(set=key, what=name, order=places[name], count=boxes, share=_share(boxes, counts), more=images)
        for key, counts in counted.items()
        for name, (boxes, images) in counts.items()
    ]


def extents(sets: Sets) -> list[Bar]:
    """Boxes by COCO's areas: small, medium, large."""
    rows = []
    for key, columns in sets.items():
        area = columns.area[~columns.crowd]
        for order, (name, (low, high)) in enumerate(AREAS.items()):
            count = int(((area >= low) & (area < high)).sum())
            rows.append(Bar(set=key, what=name, order=order, count=count, share=_percent(count, len(area))))
    return rows


def sides(sets: Sets) -> list[Bar]:
    """Boxes by the side of a square of their size, in steps of a factor of the root of 2."""
    return _binned({key: _side(columns) for key, columns in sets.items()}, SIDES, "{:.3g} to {:.3g} px")


def ratios(sets: Sets) -> list[Bar]:
    """Boxes by width over height, in steps of a factor of the root of 2."""
    return _binned({key: _ratio(columns) for key, columns in sets.items()}, RATIOS, "{:.2g} to {:.2g}")


def boxes_per_image(sets: Sets) -> list[Bar]:
    """Images by how many boxes they have that are no crowds."""
    counted = {
        key: np.bincount(columns.counts.clip(max=MOST_BOXES), minlength=MOST_BOXES + 1) for key, columns in sets.items()
    }
    return _bars(counted, lambda number: f"{number} or more" if number == MOST_BOXES else str(number))


def image_sizes(sets: Sets) -> list[dict[str, Any]]:
    """Widths and heights of images with how many have them, the most frequent ones."""
    rows = []
    for key, columns in sets.items():
        pairs, counts = np.unique(columns.sizes[columns.has_size], axis=0, return_counts=True)
        for place in np.argsort(-counts, kind="stable")[:MOST_SIZES].tolist():
            height, width = pairs[place].tolist()
            rows.append({"set": key, "width": width, "height": height, "count": int(counts[place])})
    return rows


def summary(sets: Sets) -> list[dict[str, Any]]:
    """One row for each set: images, boxes, and what is usual."""
    rows = []
    for key, columns in sets.items():
        boxes, known = ~columns.crowd, columns.sizes[columns.has_size]
        side = _side(columns)
        rows.append(
            {
                "Set": key,
                "Images": columns.total,
                "Boxes": int(boxes.sum()),
                "Crowds": int((~boxes).sum()),
                "Classes": len(columns.classes),
                "Boxes per image": round(float(columns.counts.mean()), 2) if len(columns) else None,
                "Images without box": int((columns.counts == 0).sum()),
                "Median box side, px": round(float(np.median(side)), 1) if len(side) else None,
                "Median image, px": "{1:.0f} x {0:.0f}".format(*np.median(known, axis=0)) if len(known) else "",
            }
        )
    return rows


def table(bars: Sequence[Bar], *, what: str, more: str = "") -> list[dict[str, Any]]:
    """The same for whoever does not see charts: a row for each thing that is counted, columns for each set."""
    rows: dict[tuple[int, str], dict[str, Any]] = {}
    for bar in sorted(bars, key=lambda bar: bar.order):
        row = rows.setdefault((bar.order, bar.what), {what: bar.what})
        row[bar.set] = bar.count
        row[f"{bar.set}, %"] = round(bar.share, 2)
        if more:
            row[f"{bar.set}, {more}"] = bar.more
    return list(rows.values())


def _per_class(columns: Columns) -> dict[str, tuple[int, int]]:
    """Name -> boxes that are no crowds, images with one."""
    kept, number = ~columns.crowd, max(1, len(columns.classes))
    boxes = np.bincount(columns.labels[kept], minlength=number)
    pairs = np.unique(columns.image_of[kept] * number + columns.labels[kept])
    images = np.bincount(pairs % number, minlength=number)
    return {name: (int(boxes[place]), int(images[place])) for place, name in enumerate(columns.classes)}


def _share(count: int, counts: Mapping[str, tuple[int, int]]) -> float:
    return _percent(count, sum(boxes for boxes, _ in counts.values()))


def _percent(count: int, total: int) -> float:
    return 100.0 * count / total if total else 0.0


def _side(columns: Columns) -> np.ndarray:
    """(m',) float64: the side of a square of the size of each box that is no crowd."""
    extent = (columns.boxes[:, 2:] - columns.boxes[:, :2])[~columns.crowd].astype(np.float64)
    return np.sqrt(extent.clip(min=0).prod(axis=1))


def _ratio(columns: Columns) -> np.ndarray:
    """(m',) float64: width over height of each box that is no crowd and has an extent."""
    extent = (columns.boxes[:, 2:] - columns.boxes[:, :2])[~columns.crowd].astype(np.float64)
    extent = extent[(extent > 0).all(axis=1)]
    return extent[:, 0] / extent[:, 1]


def _binned(values: Mapping[str, np.ndarray], edges: np.ndarray, words: str) -> list[Bar]:
    """Bars of bins; what lies beyond the edges counts in the outermost ones."""
    counted = {key: np.histogram(each.clip(edges[0], edges[-1]), bins=edges)[0] for key, each in values.items()}
    return _bars(counted, lambda place: words.format(edges[place], edges[place + 1]))


def _bars(counted: Mapping[str, np.ndarray], name: Callable[[int], str]) -> list[Bar]:
    """Bars from the first bin in which any set has something to the last one."""
    filled = np.flatnonzero(sum(counted.values())) if counted else np.empty(0)
    if not filled.size:
        return []
    return [
        Bar(set=key, what=name(place), order=place, count=int(counts[place]),
            share=_percent(int(counts[place]), int(counts.sum())))
        for key, counts in counted.items()
        for place in range(filled[0], filled[-1] + 1)
    ]  # fmt: skip
