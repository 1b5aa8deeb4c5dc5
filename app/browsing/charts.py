"""The Vega-Lite specs of charts of data sets: constant, so that the browser keeps a chart while its numbers change."""

from collections.abc import Sequence
from typing import Any

import attrs

from app.browsing.statistics import Bar

COLORS = ["#2a8fd0", "#e69f00", "#00a37a", "#cc79a7", "#d55e00", "#8d8d8d"]  # told apart by the colour-blind as well
SET_NAMES = {"field": "set", "type": "nominal", "title": "Set"}
LEGEND = {"orient": "top", "title": None}
HEIGHT = 300  # px, with axes and legend


def rows_of(bars: Sequence[Bar]) -> list[dict[str, Any]]:
    """The data of `bars`."""
    return [attrs.asdict(bar) for bar in bars]


def bar_chart(*, title: str, counted: str, horizontal: bool = False, more: str = "") -> dict[str, Any]:
    """Bars of each set side by side, as shares of their set: sets of different sizes can be compared.

    Args:
        title: Of the axis along which things stand.
        counted: What is counted, as "boxes".
        horizontal: Names are long, and stand below each other.
        more: What the second count is of, as "images".
    """
    things = {
        "field": "what",
        "type": "nominal",
        "title": title,
        "sort": {"field": "order", "op": "min"},
        "axis": {"labelLimit": 160, "labelAngle": 0, "labelOverlap": not horizontal},
    }
    share = {"field": "share", "type": "quantitative", "title": f"% of the set's {counted}"}
    tooltip = [
        SET_NAMES,
        {"field": "what", "type": "nominal", "title": title},
        {"field": "count", "type": "quantitative", "title": counted, "format": ","},
        {"field": "share", "type": "quantitative", "title": "% of the set", "format": ".2f"},
        *([{"field": "more", "type": "quantitative", "title": more, "format": ","}] if more else []),
    ]
    across, up, offset = ("y", "x", "yOffset") if horizontal else ("x", "y", "xOffset")
    return {
        "mark": {"type": "bar", "cornerRadiusEnd": 2},
        "encoding": {
            across: things,
            up: share,
            offset: {**SET_NAMES, "sort": None},
            "color": {**SET_NAMES, "sort": None, "legend": LEGEND, "scale": {"range": COLORS}},
            "tooltip": tooltip,
        },
        **({"height": {"step": 11}} if horizontal else {"height": HEIGHT}),
    }


def size_chart() -> dict[str, Any]:
    """Image sizes as points, whose area says how many images have them; a shape for each set."""
    side = {"type": "quantitative", "axis": {"format": "d", "tickMinStep": 1}, "scale": {"zero": False, "padding": 12}}
    return {
        "mark": {"type": "point", "filled": True, "opacity": 0.6},
        "encoding": {
            "x": {"field": "width", "title": "width, px", **side},
            "y": {"field": "height", "title": "height, px", **side},
            "size": {"field": "count", "type": "quantitative", "scale": {"range": [20, 500]}, "legend": None},
            "color": {**SET_NAMES, "sort": None, "legend": LEGEND, "scale": {"range": COLORS}},
            "shape": {**SET_NAMES, "sort": None, "legend": LEGEND},
            "tooltip": [
                SET_NAMES,
                {"field": "width", "type": "quantitative", "title": "width, px"},
                {"field": "height", "type": "quantitative", "title": "height, px"},
                {"field": "count", "type": "quantitative", "title": "images", "format": ","},
            ],
        },
        "height": HEIGHT,
    }
