"""Which metrics share a chart, and in which order, whatever names a run has."""

import re
from collections.abc import Iterable
from itertools import count

import attrs

MOST_LINES = 12  # of a chart; with more nobody tells them apart, and tables show the rest
LONGEST_NAME = 60  # characters of a name in a legend
SIZE_OF_OBJECTS = re.compile(r"_(?:tiny|small|medium|large)$")
# Names that have no prefix, and what their chart is called.
ALONE = {
    "lr": "Learning rate",
    "images_per_s": "Images a second",
    "time": "Seconds a step",
    "data_time": "Seconds a step",
    "memory": "Memory, MiB",
    "host_memory": "Memory, MiB",
}
FIRST, LAST = ("Losses", "Validation losses"), tuple(dict.fromkeys(ALONE.values()))


@attrs.frozen(kw_only=True)
class Group:
    """Metrics of one chart.

    Attributes:
        names: At most `MOST_LINES`, sorted.
        left_out: Names beyond those.
    """

    title: str
    names: tuple[str, ...]
    left_out: tuple[str, ...] = ()

    @property
    def is_dense(self) -> bool:
        """Whether it is measured all the time, and not at evaluations alone."""
        return self.title in (FIRST[0], *LAST)


def grouped(names: Iterable[str]) -> list[Group]:
    """Charts for metrics of these names: losses, what evaluations measure, then rates and memory.

    Metrics of single classes ("bbox/AP/cat") have no chart: there may be thousands, and a table shows them.
    """
    found: dict[str, list[str]] = {}
    for name in sorted(names, key=natural):
        if not is_of_one_class(name):
            found.setdefault(title_of(name), []).append(name)
    order = [title for title in found if title not in (*FIRST, *LAST)]
    return [
        Group(title=title, names=tuple(found[title][:MOST_LINES]), left_out=tuple(found[title][MOST_LINES:]))
        for title in (*FIRST, *order, *LAST)
        if title in found
    ]


def title_of(name: str) -> str:
    """The chart that a metric belongs to."""
    if name in ALONE:
        return ALONE[name]
    parts = name.split("/")
    if "loss" in parts:
        return FIRST[1] if parts[0] == "val" else FIRST[0]
    if len(parts) == 1:
        return "Other"
    return f"{parts[0]} by size" if SIZE_OF_OBJECTS.search(name) else parts[0]


def is_of_one_class(name: str) -> bool:
    """Whether a metric is that of a single class: prefix, measure, class, where the class may have any name."""
    return name.count("/") >= 2 and "loss" not in name.split("/")[:2]


def labels_of(group: Group, *, besides: Iterable[str] = ()) -> list[str]:
    """What its metrics are called within a chart or table: what the title says already is left out."""
    prefix = f"{group.title.removesuffix(' by size')}/"
    return distinct([shortened(name.removeprefix(prefix)) for name in group.names], besides=besides)


def shortened(name: str) -> str:
    """A name that fits into a legend."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 20]}...{name[-17:]}"


def distinct(names: Iterable[str], *, besides: Iterable[str] = ()) -> list[str]:
    """The names, of which those that are there already, or among `besides`, get a number."""
    found: dict[str, None] = dict.fromkeys(besides)
    others = len(found)
    for name in names:
        numbered = (f"{name} ({number})" for number in count(2))
        found[name if name not in found else next(each for each in numbered if each not in found)] = None
    return [*found][others:]


def natural(name: str) -> list[tuple[int, str]]:
    """What names are sorted by, so that AR@300 comes before AR@1000."""
    return [(int(part), "") if part.isascii() and part.isdigit() and len(part) < 18 else (-1, part)
            for part in re.split(r"(\d+)", name)]  # fmt: skip
