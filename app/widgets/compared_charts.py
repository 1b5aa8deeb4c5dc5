"""The same metric in several runs, one line a run, in the same colours everywhere."""

from collections.abc import Sequence

import streamlit as st

from app.charts.groups import natural, shortened
from app.charts.points import Line
from app.reading.side_by_side import default_metrics
from app.reading.watched import View, Watched
from app.widgets.chart_options import ChartOptions, chart_options
from app.widgets.line_chart import how_to_zoom, line_chart
from app.widgets.url_value import in_url

MOST = 12  # metrics that are looked at


def compared_charts(runs: Sequence[Watched], names: Sequence[str]) -> None:
    """Show them.

    Args:
        runs: Their readers.
        names: What the runs are called, in the same order.
    """
    known = sorted({name for run in runs for name in run.names}, key=natural)
    if not known:
        st.info("None of these runs has measured anything yet.")
        return

    def read(said: Sequence[str]) -> list[str]:
        return [name for name in said if name in known][:MOST] or default_metrics(known)

    metrics = in_url(st.multiselect, "Metrics", known, name="metric", key="compare-metrics", read=read,
                     format_func=shortened, max_selections=MOST)  # fmt: skip
    options = chart_options(charts_only=True)
    left, right = st.columns(2, gap="medium") if len(metrics) > 1 else (st.container(), st.container())
    for number, metric in enumerate(metrics):
        with (left, right)[number % 2].container(border=True):
            _chart(runs, names, metric, options)
    how_to_zoom()


def _chart(runs: Sequence[Watched], names: Sequence[str], metric: str, options: ChartOptions) -> None:
    def lines_of(span: tuple[float, float] | None) -> list[Line]:
        view = View(axis=options.axis, smoothing=options.smoothing, span=span)
        return [line for run, name in zip(runs, names, strict=True) for line in run.lines({metric: name}, view=view)]

    key = f"compare-{metric}-{'-'.join(names)}"
    seconds = max(run.seconds for run in runs)
    line_chart(shortened(metric), names, lines_of, options=options, seconds=seconds, key=key)
