"""A chart of lines that stays as it is zoomed while its numbers change."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import streamlit as st

from app.charts.figure import HOW_TO_ZOOM, ZOOM, Axis, Figure, unit_for, vega_lite
from app.charts.points import UNITS, Line, tables
from app.plain import plain
from app.widgets.chart_options import ChartOptions

HEIGHT = 300  # px
NAMED = 3  # places without a number that are named
MOST_IN_WORDS = 4  # lines whose values stand below the chart


def line_chart(
    title: str,
    names: Sequence[str],
    lines_of: Callable[[tuple[float, float] | None], Sequence[Line]],
    *,
    options: ChartOptions,
    seconds: float,
    key: str,
    dashes: bool = True,
) -> None:
    """Show it.

    Args:
        title: Above it.
        names: Of all its lines, which decide on colours; some may have no points yet.
        lines_of: Gives the lines, in that order, with more of their points within a span of the axis.
        options: How they are looked at.
        seconds: The longest time of training.
        key: Of the widget.
        dashes: Whether lines differ in their dashes too.
    """
    unit = unit_for(seconds)
    figure = Figure(names=tuple(names), axis=options.axis, unit=unit, log=options.log, smooth=options.smoothing > 0,
                    dashes=dashes)  # fmt: skip
    key = f"{key}-{options.axis}-{unit}-{options.log}"
    lines = lines_of(_span(st.session_state.get(key), scale=UNITS[unit] if options.axis == "time" else 1.0))
    st.markdown(f"**{plain(title)}**")
    # Another `alt` would make the browser make the chart anew, so that values have no place in it.
    # Being told of the zoom is what makes the browser keep it: without that, new data would end it.
    st.vega_lite_chart(
        spec={**vega_lite(figure), "datasets": tables(lines, axis=options.axis, unit=unit, log=options.log)}, key=key,
        on_select=_ignore, selection_mode=[ZOOM], height=HEIGHT, alt=title,
    )  # fmt: skip
    st.caption(plain(_in_words(lines[:MOST_IN_WORDS])))
    if bad := _without_number(lines, options.axis):
        st.caption(plain(bad))


def how_to_zoom() -> None:
    """Say it, once for all charts of a page."""
    st.caption(HOW_TO_ZOOM)


def _span(state: Any, *, scale: float) -> tuple[float, float] | None:
    """What of the axis the browser shows, if it was zoomed."""
    try:
        first, last = state["selection"][ZOOM]["x"]
        return (float(first) * scale, float(last) * scale) if first < last else None
    except (KeyError, TypeError, ValueError):
        return None


def _ignore() -> None:
    """The zoom is read from the state at the next refresh, which this asks for."""


def _in_words(lines: Sequence[Line]) -> str:
    """The last value of each line, and the best where one is marked."""
    said = []
    for line in lines:
        if len(line.values):
            best = "" if line.best is None or not line.best.any() else f", best {line.values[line.best][0]:.4g} ◇"
            said.append(f"{line.name} {line.values[-1]:.4g}{best}")
    return " · ".join(said) or "no values yet"


def _without_number(lines: Sequence[Line], axis: Axis) -> str:
    said = []
    for line in lines:
        steps = line.steps[np.isnan(line.values)]
        if len(steps):
            more = f" and {len(steps) - NAMED} more" if len(steps) > NAMED else ""
            said.append(
                f"✕ {line.name} was not finite at step {', '.join(f'{step:,}' for step in steps[:NAMED])}{more}"
            )
    if axis == "epoch" and lines and all(line.steps_an_epoch is None for line in lines):
        said.append("No epoch is over yet: how many steps one has is not known")
    return ". ".join(said)
