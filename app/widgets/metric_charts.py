"""All that a run has measured, as charts or as tables of values."""

import math

import streamlit as st

from app.charts.groups import Group, grouped, labels_of, shortened
from app.plain import plain
from app.reading.watched import View, Watched
from app.widgets.chart_options import ChartOptions, chart_options
from app.widgets.line_chart import how_to_zoom, line_chart

MOST_CHARTS = 24
LAST = 200  # values of a metric in a table
FEW = 200  # points of a line whose dashes a browser draws in no time


def metric_charts(run: Watched) -> None:
    """Show them."""
    options = chart_options()
    groups = grouped(run.names)
    if not groups:
        st.info("Nothing is measured yet: the first values come with the first window of the log, see train.log_every.")
        return
    left, right = st.columns(2, gap="medium")
    for number, group in enumerate(groups[:MOST_CHARTS]):
        with (left, right)[number % 2].container(border=True):
            (_values if options.values else _chart)(run, group, options)
            if group.left_out:
                st.caption(plain(f"Not shown: {', '.join(map(shortened, group.left_out[:10]))}"
                                 f"{' and more' if len(group.left_out) > 10 else ''}"))  # fmt: skip
    if not options.values:
        how_to_zoom()
    if len(groups) > MOST_CHARTS or run.left_out:
        st.caption(f"There are {len(groups)} groups of metrics: {MOST_CHARTS} are shown.")


def _chart(run: Watched, group: Group, options: ChartOptions) -> None:
    called = dict(zip(group.names, labels_of(group), strict=True))

    def lines_of(span: tuple[float, float] | None):
        return run.lines(called, view=View(axis=options.axis, smoothing=options.smoothing, span=span))

    key = f"chart-{run.directory.name}-{group.title}"
    dashes = not group.is_dense or options.smoothing > 0 or run.length(group.names) <= FEW
    line_chart(group.title, [*called.values()], lines_of, options=options, seconds=run.seconds, key=key, dashes=dashes)


def _values(run: Watched, group: Group, options: ChartOptions) -> None:
    """The last values of a group, newest first."""
    points = {name: dict(values) for name, values in run.last_values(group.names, count=LAST).items()}
    steps = sorted({step for values in points.values() for step in values}, reverse=True)[:LAST]
    st.markdown(f"**{plain(group.title)}**")
    called = dict(zip(group.names, labels_of(group, besides=["step"]), strict=True))
    columns = {called[name]: [_shown(values.get(step)) for step in steps] for name, values in points.items()}
    st.dataframe({"step": steps, **columns}, height=290, hide_index=True, alt=f"The last values of {group.title}")


def _shown(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if math.isfinite(value) else "not finite"
