"""The Vega-Lite spec of a chart of metrics: it depends on what is shown, never on the numbers.

So the browser keeps a chart, with what was zoomed and picked in it, while its numbers come and go.
"""

from collections.abc import Sequence
from typing import Any, Literal

import attrs

from app.charts.lines import color, dash

Axis = Literal["step", "epoch", "time"]
Unit = Literal["minutes", "hours"]
LONG = 7200.0  # s of training that are told in hours
LINES, MARKS, TOLD = "lines", "marks", "told"  # tables: of points, of what is marked, and of what is told on hovering
VALUE = "value"  # a column of what is told, beside those that are called like the axis
ZOOM = "zoom"  # the selection that the browser keeps; the app is told which
# Plain scrolling moves the page: a chart must not swallow it.
WHEEL = "wheel![event.ctrlKey || event.metaKey]"
HOW_TO_ZOOM = "Ctrl and scroll to zoom, drag to move, double click to see all."


@attrs.frozen(kw_only=True)
class Figure:
    """What a chart shows.

    Attributes:
        names: What its lines are called, in the order of colours and legend.
        axis: What runs from left to right.
        unit: Of the axis, where that is time.
        log: Whether a step up is a factor.
        smooth: Whether the lines are averages, with what was measured faint behind them.
        dashes: Whether lines differ in their dashes too. A browser takes long over those of a line of many points.
    """

    names: Sequence[str]
    axis: Axis = "step"
    unit: Unit = "hours"
    log: bool = False
    smooth: bool = False
    dashes: bool = True


def unit_for(seconds: float) -> Unit:
    """The unit in which so many seconds of training are told."""
    return "hours" if seconds >= LONG else "minutes"


def title_of(axis: Axis, unit: Unit) -> str:
    """What an axis is called."""
    return f"{unit} of training" if axis == "time" else axis


def vega_lite(figure: Figure) -> dict[str, Any]:
    """The spec. Its data are the tables of `app.charts.points`, by name.

    What is told of a point, and what is marked, has tables of few rows of its own: the browser works out each property
    of each row at each refresh.
    """
    lines: list[dict[str, Any]] = []
    if figure.smooth:
        lines.append({"mark": _line(1, opacity=0.28), "encoding": {"y": _y(figure, "raw")}})
    lines.append({"mark": _line(1.8), "encoding": {"y": _y(figure, "y")}})
    lines[0]["params"] = [
        {"name": ZOOM, "select": {"type": "interval", "encodings": ["x", "y"], "zoom": WHEEL}, "bind": "scales"}
    ]
    return {
        "data": {"name": LINES},
        "encoding": {"x": _x(figure), **_looks(figure)},
        "layer": [
            *lines,
            _marks("best", {"shape": "diamond", "size": 90, "filled": False, "strokeWidth": 2}, y=_y(figure, "y")),
            _marks("bad", {"shape": "cross", "angle": 45, "size": 70, "filled": True}, y={"value": "height"}),
            _marks("dot", {"size": 32, "filled": True}, y=_y(figure, "y")),
            {
                "data": {"name": TOLD},
                # The row as it is: to format each of its values would be work for each row at each refresh.
                "mark": {
                    "type": "point",
                    "filled": True,
                    "opacity": 0,
                    "size": 150,
                    "aria": False,
                    "tooltip": {"content": "data"},
                },
                "encoding": {"x": _x(figure, title_of(figure.axis, figure.unit)), "y": _y(figure, VALUE)},
            },
        ],
        "config": {"axis": {"labelLimit": 80}},
        "usermeta": {"embedOptions": {"renderer": "canvas"}},  # drawn anew each second, it is cheaper than elements
    }


def _marks(kind: str, looks: dict[str, Any], *, y: dict[str, Any]) -> dict[str, Any]:
    return {
        "data": {"name": MARKS},
        "transform": [{"filter": f"datum.kind === '{kind}'"}],
        "mark": {"type": "point", "aria": False, **looks},
        "encoding": {"y": y},
    }


def _line(width: float, *, opacity: float = 1) -> dict[str, Any]:
    return {"type": "line", "strokeWidth": width, "opacity": opacity, "invalid": "break-paths-show-path-domains",
            "clip": True, "aria": False}  # fmt: skip


def _x(figure: Figure, field: str = "x") -> dict[str, Any]:
    axis = {"tickCount": 6, "titlePadding": 2, **({"format": "~s"} if figure.axis == "step" else {})}
    return {"field": field, "type": "quantitative", "title": title_of(figure.axis, figure.unit), "axis": axis,
            "scale": {"zero": False, "nice": False}}  # fmt: skip


def _y(figure: Figure, field: str) -> dict[str, Any]:
    scale = {"type": "log"} if figure.log else {"zero": False}
    return {
        "field": field,
        "type": "quantitative",
        "title": None,
        "scale": scale,
        "axis": {"tickCount": 5, "format": ".4~g"},
    }


def _looks(figure: Figure) -> dict[str, Any]:
    """Colour and dashes by name, in one legend; none where there is only one line."""
    shown = [*figure.names]
    legend = {
        "orient": "bottom",
        "title": None,
        "labelLimit": 260,
        "columns": _columns(shown),
        "symbolType": "stroke",
        "symbolSize": 300,
        "symbolOpacity": 1,
        "offset": 4,
        "padding": 0,
        "rowPadding": 2,
    }
    field = {"field": "name", "type": "nominal", "legend": legend if len(shown) > 1 else None}
    numbers = range(len(shown))
    looks = {"color": {**field, "scale": {"domain": shown, "range": [color(number) for number in numbers]}}}
    if figure.dashes and len(shown) > 1:
        looks["strokeDash"] = {**field, "scale": {"domain": shown, "range": [dash(number) for number in numbers]}}
    return looks


def _columns(shown: Sequence[str]) -> int:
    """Of the legend, such that it fits into half a page."""
    widest = max(map(len, shown), default=0)
    return 4 if widest <= 7 else 3 if widest <= 12 else 2 if widest <= 24 else 1
