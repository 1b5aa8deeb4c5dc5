"""data_statistics: what is in data sets, one beside the other, as charts and as tables."""

from collections.abc import Mapping
from typing import Any

import attrs
import pyarrow as pa
import streamlit as st

from app.browsing import statistics
from app.browsing.charts import bar_chart, rows_of, size_chart
from app.browsing.columns import Columns
from app.browsing.statistics import Bar

MOST_CLASSES = 25  # in the chart; the table has all


@attrs.frozen(kw_only=True)
class Counted:
    """All that is counted, for charts and tables."""

    summary: list[dict[str, Any]]
    classes: list[Bar]
    extents: list[Bar]
    sides: list[Bar]
    ratios: list[Bar]
    boxes: list[Bar]
    sizes: list[dict[str, Any]]


def data_statistics(sets: Mapping[str, Columns], *, key: str) -> None:
    """Show them.

    Args:
        sets: The columns of each set that could be read.
        key: Of these sets as they are now: what was counted once is kept.
    """
    if not sets:
        st.info("No set can be read: Findings says why.", icon=":material/bar_chart_off:")
        return
    counted = _counted(key, _sets=sets)
    st.dataframe(counted.summary, hide_index=True, width="stretch")
    for name, columns in sets.items():
        if not columns.is_whole:
            st.caption(f"Counted over the first {len(columns):,} of {columns.total:,} images of {name}.")
    if len(sets) > 1:
        st.caption("Bars are shares of their own set, so that sets of different sizes can be compared.")
    classes = counted.classes
    left, right = st.columns(2, gap="large")
    with left:
        cut = [bar for bar in classes if bar.order < MOST_CLASSES]
        title = "Classes" if len(cut) == len(classes) else f"Classes, the {MOST_CLASSES} most frequent"
        _bars(title, cut, bar_chart(title="class", counted="boxes", horizontal=True, more="images with one"),
              table=statistics.table(classes, what="class", more="images"))  # fmt: skip
        _bars("Boxes of an image", counted.boxes, bar_chart(title="boxes", counted="images"))
        st.subheader("Image sizes")
        st.vega_lite_chart(pa.Table.from_pylist(counted.sizes), size_chart(), width="stretch")
        _table(counted.sizes)
    with right:
        _bars("Boxes by COCO's areas", counted.extents, bar_chart(title="area", counted="boxes"),
              note="small: below 32² px, medium: to 96² px, large: beyond; evaluation counts by them.")  # fmt: skip
        sides = bar_chart(title="side of a square of the same size", counted="boxes")
        _bars("Box sizes", counted.sides, sides)
        _bars("Box shapes", counted.ratios, bar_chart(title="width / height", counted="boxes"))


@st.cache_resource(max_entries=4, show_spinner=False)
def _counted(key: str, *, _sets: Mapping[str, Columns]) -> Counted:
    return Counted(
        summary=statistics.summary(_sets),
        classes=statistics.classes(_sets),
        extents=statistics.extents(_sets),
        sides=statistics.sides(_sets),
        ratios=statistics.ratios(_sets),
        boxes=statistics.boxes_per_image(_sets),
        sizes=statistics.image_sizes(_sets),
    )


def _bars(
    title: str, bars: list[Bar], chart: dict[str, Any], *, note: str = "", table: list[dict[str, Any]] | None = None
) -> None:
    st.subheader(title)
    if note:
        st.caption(note)
    st.vega_lite_chart(pa.Table.from_pylist(rows_of(bars)), chart, width="stretch")
    _table(statistics.table(bars, what="what") if table is None else table)


def _table(rows: list[dict[str, Any]]) -> None:
    with st.expander("As a table", icon=":material/table_rows:"):
        st.dataframe(rows, hide_index=True, width="stretch")
