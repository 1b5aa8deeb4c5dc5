"""What was found in a set, as a page tells it: what, how often, where, and what to do about it."""

from collections.abc import Iterable
from typing import Literal

import attrs

from app.browsing.looks import TOLD, Oddity
from app.security.roots import VARIABLE
from specdet.data import advice
from specdet.data.findings import Finding

Weight = Literal["problem", "remark", "note"]
LOOK = "Look at the first ones below; if they are slips, mend them in the annotation file."
# What the app itself finds, and what it says differently.
OWN = {
    "files outside of the folders": f"Name their folder in {VARIABLE} when you start the app, if you trust this spec.",
    "boxes of one class drawn twice": LOOK,
    "boxes less than": LOOK,
    "images without a box": "Nothing needs to be done if there is nothing to find in them.",
    "classes without a box": "A class that is never seen is not learned: remove it from `classes`, or add images.",
    "image files that are in train and in val": "Evaluate on images that are not trained on: remove them from one of "
                                                "the sets.",
    "reading it failed": "Try again; if it fails again, run `specdet check --data` in a shell.",
}  # fmt: skip
ADVICE = {**advice.ADVICE, **OWN}
ORDER: tuple[Weight, ...] = ("problem", "remark", "note")


@attrs.frozen(kw_only=True)
class Told:
    """One kind of thing that was found.

    Attributes:
        weight: A problem stops a training; a remark was put right, or should be; a note is worth knowing.
        set: Where it was found.
        what: In words.
        count: How often.
        items: The first ones; empty where there is nothing more to say.
        advice: What to do; empty where only the reader of a plugin knows.
    """

    weight: Weight
    set: str
    what: str
    count: int
    items: tuple[str, ...]
    advice: str


def told(name: str, findings: Iterable[Finding], oddities: Iterable[Oddity] = ()) -> list[Told]:
    """All that was found in the set `name`, problems first."""
    rows = [
        Told(
            weight=each.weight, set=name, what=each.what, count=len(each.items),
            items=tuple(item for item in each.items[:TOLD] if item), advice=advice_on(each.what),
        )
        for each in findings
    ]  # fmt: skip
    rows += [
        Told(weight="remark" if " train and in val" in each.what else "note", set=name, what=each.what,
             count=each.count, items=each.items, advice=advice_on(each.what))
        for each in oddities
    ]  # fmt: skip
    return sorted(rows, key=lambda row: ORDER.index(row.weight))


def advice_on(what: str) -> str:
    """What to do about something that was found."""
    return advice.advice_on(what, more=OWN)
