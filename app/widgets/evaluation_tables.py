"""Every evaluation of a run, and the measures of single classes."""

import math

import streamlit as st

from app.charts.groups import distinct, shortened
from app.reading.evaluations import by_class, by_step
from app.reading.watched import Watched

SHOWN = 500  # evaluations


def evaluation_tables(run: Watched) -> None:
    """Show them."""
    values = run.evaluations()
    found = by_step(values)
    if not found.rows:
        st.info(
            "Nothing was evaluated yet: evaluations come with an [eval] table in the spec, as often as its hook says."
        )
        return
    rows = found.rows[:SHOWN]
    called = distinct(map(shortened, found.names), besides=["step"])
    columns = {
        label: [_shown(each[place], is_best=found.best.get(name) == step) for step, each in rows]
        for place, (name, label) in enumerate(zip(found.names, called, strict=True))
    }
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(f"{len(found.rows)} evaluations, newest first; ◆ marks the best of each metric", width="stretch")
        st.download_button("Download as CSV", found.as_csv, file_name=f"{run.directory.name}-evaluations.csv",
                           mime="text/csv", icon=":material/download:", on_click="ignore")  # fmt: skip
    st.dataframe({"step": [step for step, _ in rows], **columns}, hide_index=True, height=min(560, 38 + 35 * len(rows)),
                 alt="Metrics by step of evaluation")  # fmt: skip
    classes = by_class(values)
    if classes:
        st.subheader("Classes", anchor=False)
        st.dataframe(
            {
                "measure": [each.measure for each in classes],
                "class": [each.name for each in classes],
                "last": [each.last for each in classes],
                "best": [each.best for each in classes],
                "best at step": [each.best_step for each in classes],
            },
            hide_index=True, alt="Last and best of each class",
        )  # fmt: skip


def _shown(value: float | None, *, is_best: bool) -> str:
    if value is None:
        return ""
    return f"{value:.4f}{' ◆' if is_best else ''}" if math.isfinite(value) else "not finite"
