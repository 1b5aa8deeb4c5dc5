"""How charts are looked at: axis, scale and smoothing, in the URL."""

from collections.abc import Mapping
from typing import get_args

import attrs
import streamlit as st

from app.charts.figure import Axis
from app.widgets.url_value import in_url, one_of

AXES = {"step": "Step", "epoch": "Epoch", "time": "Time"}
SCALES = {"linear": "Linear", "log": "Log"}
SMOOTHING = {"none": "None", "0.6": "0.6", "0.9": "0.9", "0.97": "0.97", "0.99": "0.99"}
FORMS = {"charts": "Charts", "values": "Values"}
SMOOTHING_HELP = "Weight of an exponential moving average; what was measured stays faint behind it"


@attrs.frozen(kw_only=True)
class ChartOptions:
    """What a person chose.

    Attributes:
        axis: What runs from left to right.
        log: Whether a step up is a factor.
        smoothing: Weight of the moving average.
        values: Whether tables of numbers are wanted instead of charts.
    """

    axis: Axis
    log: bool
    smoothing: float
    values: bool


def chart_options(*, charts_only: bool = False) -> ChartOptions:
    """Show them; gives what is chosen. `charts_only` where there are no tables of values."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        axis = _one_of("Axis", AXES, name="axis")
        log = _one_of("Scale", SCALES, name="scale") == "log"
        smoothing = _one_of("Smoothing", SMOOTHING, name="smooth", help=SMOOTHING_HELP)
        values = not charts_only and _one_of("Shown as", FORMS, name="form") == "values"
    return ChartOptions(
        axis=next(each for each in get_args(Axis) if each == axis),
        log=log,
        smoothing=0.0 if smoothing == "none" else float(smoothing),
        values=values,
    )


def _one_of(label: str, options: Mapping[str, str], *, name: str, help: str | None = None) -> str:
    words = list(options)
    return in_url(st.segmented_control, label, words, name=name, key=f"chart-{name}", required=True, help=help,
                  read=one_of(words, default=words[0]), format_func=options.__getitem__)  # fmt: skip
