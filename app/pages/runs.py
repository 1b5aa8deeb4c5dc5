"""Runs: the table of all runs, the queue, and the trash."""

import streamlit as st

from app.plain import plain
from app.security.roots import Roots
from app.widgets.queue import queue_panel
from app.widgets.runs_table import runs_table
from app.widgets.trash_table import trash_table
from app.widgets.url_value import in_url, one_of

EVERY = 2.0  # s
VIEWS = {
    "runs": (":material/list: Runs", runs_table),
    "queue": (":material/hourglass_empty: Queue and devices", queue_panel),
    "trash": (":material/delete: Trash", trash_table),
}


def page() -> None:
    """Show one of the views."""
    st.title("Runs")
    view = in_url(st.segmented_control, "View", list(VIEWS), name="view", key="runs-view",
                  read=one_of([*VIEWS], default="runs"), required=True, label_visibility="collapsed",
                  format_func=lambda name: VIEWS[name][0])  # fmt: skip
    live(view or "runs")


@st.fragment(run_every=EVERY)
def live(view: str) -> None:
    """What refreshes itself."""
    root = Roots.here().runs
    try:
        VIEWS[view][1](root)
    except OSError as error:
        st.error(f"{plain(error.filename or root)} cannot be read: {plain(error.strerror or error)}")


page()
