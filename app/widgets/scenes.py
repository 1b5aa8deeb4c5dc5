"""show_scenes: images with boxes on them. What a person sets there is done in the browser, without the server."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import attrs
from streamlit.components.v2 import component

from app.looking.counts import ORDERS, Order, nearest_iou
from app.looking.message import scenes_message
from app.looking.scene import IOU_THRESHOLDS, Scene
from app.looking.totals import Totals

PARTS = Path(__file__).with_name("viewer")
SCRIPTS = ("model.js", "stage.js", "bar.js", "large.js", "viewer.js")  # one module: each uses those before it


@attrs.frozen(kw_only=True)
class Asked:
    """What a person wants all images, also those of other pages, to be ordered by."""

    score: float
    iou: float
    order: Order


def show_scenes(
    scenes: Sequence[Scene],
    *,
    key: str,
    labels: Sequence[str] = (),
    score: float = 0.5,
    iou: float = 0.5,
    order: Order = "given",
    columns: int | None = None,
    totals: Totals | None = None,
    asks: bool = False,
) -> Asked | None:
    """A grid of images with boxes, to be filtered, ordered and enlarged in the browser.

    Objects alone are coloured by class. Detections are coloured by what they are, if they were compared with objects
    (`app.looking.matching.compared`): TP, FP, FN.

    Args:
        scenes: In the order in which they are shown; their keys differ.
        key: Of the widget. What a person has set stays with it from one set of scenes to the next.
        labels: All class names there are, in their order.
        score, iou, order: What the viewer begins with, and returns to when they change.
        columns: So many pictures a row, in the order given, such as an image under several runs; as many as fit unless
            given.
        totals: Of all images, shown above those of this page.
        asks: Whether there is a button by which a person has all images ordered anew.

    Returns:
        What was asked for with that button, in the one rerun that follows.
    """
    data = scenes_message(scenes, labels=labels) | {
        "name": key,
        "given": {"score": score, "iou": nearest_iou(iou), "order": order},
        "columns": columns,
        "totals": None if totals is None else totals.message(labels),
        "asks": asks,
    }
    return _asked(_viewer()(key=key, data=data, on_asked_change=_ignore).get("asked"))


@cache
def _viewer() -> Any:
    """Registered once a process, with what stands in the files beside this one."""
    return component(
        "specdet_scenes",
        html='<div class="scenes"></div>',
        css=(PARTS / "viewer.css").read_text(encoding="utf-8"),
        js="\n".join((PARTS / name).read_text(encoding="utf-8") for name in SCRIPTS),
    )


def _ignore() -> None:
    """The trigger is read from the result; without a callback there would be none."""


def _asked(value: object) -> Asked | None:
    """What the browser sent, if it is what our own script sends."""
    if not isinstance(value, dict):
        return None
    score, iou = value.get("score"), value.get("iou")
    orders: list[Order] = [each for each in ORDERS if each == value.get("order")]
    if not isinstance(score, int | float) or not 0 <= score <= 1 or iou not in IOU_THRESHOLDS or not orders:
        return None
    return Asked(score=float(score), iou=iou, order=orders[0])
